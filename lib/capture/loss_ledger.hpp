// SPDX-License-Identifier: MIT
//
// Which packet does a loss lie before? The producer fills its blocks in a circle and stands still
// at the oldest block that was not given back, so what it loses lies before the first packet of
// that block's next filling. A plain structure: no ring, no kernel, no thread of its own.
#pragma once

#include <cstdint>
#include <vector>

namespace captured::capture {

/// Blocks are given back in any order; the oldest one moves on past all that were given back.
class loss_ledger {
 public:
  explicit loss_ledger(std::uint32_t block_count);

  /// The block at which a producer that lacks a free block stands still.
  [[nodiscard]] std::uint32_t oldest() const noexcept { return oldest_; }
  /// Blocks given back without a gap since the start.
  [[nodiscard]] std::uint64_t released_in_order() const noexcept { return released_in_order_; }

  /// Packets were lost while the oldest block was not given back.
  void charge(std::uint64_t packets) noexcept { waiting_ += packets; }
  /// Packets turned out to have been lost before this block, given back a moment ago.
  void charge_released(std::uint32_t block, std::uint64_t packets) noexcept {
    losses_[block] += packets;
  }
  /// Gives a block back: what was charged while it was the oldest lies before its next filling.
  void release(std::uint32_t block) noexcept;

  /// Packets lost just before the present filling of this block.
  [[nodiscard]] std::uint64_t losses_before(std::uint32_t block) const noexcept {
    return losses_[block];
  }

 private:
  std::vector<std::uint64_t> losses_;
  std::vector<std::uint8_t> released_early_;  ///< given back while an older one was not
  std::uint32_t oldest_ = 0;
  std::uint64_t released_in_order_ = 0;
  std::uint64_t waiting_ = 0;  ///< charged to the next filling of the oldest block
};

}  // namespace captured::capture
