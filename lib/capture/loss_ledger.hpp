// SPDX-License-Identifier: MIT
//
// Which packet does a loss lie before? The producer fills its blocks in a circle; what it loses
// lies before the first packet of the block where it stands. A plain structure: no ring, no
// kernel, no thread of its own.
#pragma once

#include <cstdint>
#include <vector>

namespace captured::capture {

/// Follows producer and consumer around the circle. The producer stands at a free block, or, when
/// every block is in use, in front of the oldest one. Blocks are given back in any order; the
/// oldest one moves on past all that were given back.
class loss_ledger {
 public:
  explicit loss_ledger(std::uint32_t block_count);
  /// Goes on for another consumer, who left off when so many blocks had been given back, in their
  /// order, and who had not yet told of so many losses: they lie before the oldest block.
  loss_ledger(std::uint32_t block_count, std::uint64_t released, std::uint64_t losses_untold);

  /// The block at which the producer stands.
  [[nodiscard]] std::uint32_t position() const noexcept { return position_; }
  /// Every block is filled and not given back.
  [[nodiscard]] bool all_in_use() const noexcept {
    return filled_total_ - released_in_order_ == losses_.size();
  }
  /// The producer filled the block at its position and stands at the next. Not when all are in use.
  void filled() noexcept;
  /// Blocks filled since the start.
  [[nodiscard]] std::uint64_t filled_total() const noexcept { return filled_total_; }

  /// Packets were lost where the producer stands.
  void charge(std::uint64_t packets) noexcept;

  /// Gives back a block that was filled.
  void release(std::uint32_t block) noexcept;
  /// The first block not given back; when there is none, the producer's position.
  [[nodiscard]] std::uint32_t oldest() const noexcept { return oldest_; }
  /// Blocks given back without a gap since the start.
  [[nodiscard]] std::uint64_t released_in_order() const noexcept { return released_in_order_; }

  /// Packets lost just before the present filling of this block.
  [[nodiscard]] std::uint64_t losses_before(std::uint32_t block) const noexcept {
    return losses_[block];
  }

 private:
  [[nodiscard]] std::uint32_t next(std::uint32_t block) const noexcept {
    return block + 1 == losses_.size() ? 0 : block + 1;
  }

  std::vector<std::uint64_t> losses_;
  std::vector<std::uint8_t> released_early_;  ///< given back while an older one was not
  std::uint32_t position_ = 0;
  std::uint32_t oldest_ = 0;
  std::uint64_t filled_total_ = 0;
  std::uint64_t released_in_order_ = 0;
  std::uint64_t waiting_ = 0;  ///< lost in front of the oldest block, before its next filling
};

}  // namespace captured::capture
