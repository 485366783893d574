// SPDX-License-Identifier: MIT
//
// A ring whose kernel is a script. Taking and giving back is the production code, and so is the
// journal, if it has one: then another life may go on with kernel and journal. No sockets, no time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "capture/block_ring.hpp"
#include "capture/ring_journal.hpp"
#include "support/scripted_kernel.hpp"

namespace captured::test {

/// One thread is the kernel and the taker (`produce`, `retire`, `lose`, `try_take`), the same or
/// another is the releaser (`losses_before`, `release`, `statistics`), as in block_source. The
/// observers below belong to the releaser. A block's memory is overwritten when it is released, so
/// that a later look at it shows.
class scripted_source final : public capture::block_ring {
 public:
  /// What a released block is filled with, but for its status word.
  static constexpr std::byte poison{0xdb};

  explicit scripted_source(const scripted_options& = {});
  explicit scripted_source(std::shared_ptr<scripted_kernel> kernel);

  /// Is asked before each step that another life could see; once it says that this life is over, no
  /// step has any effect.
  using life = std::function<bool()>;
  /// As packet_ring::take_over does; also for a new ring with a new journal.
  scripted_source(std::shared_ptr<scripted_kernel> kernel, capture::ring_journal journal,
                  const life& of = {});

  // As scripted_kernel has them.
  bool produce(const scripted_packet& packet) { return kernel_->produce(packet); }
  void retire() { kernel_->retire(); }
  void lose(std::uint32_t packets) noexcept { kernel_->lose(packets); }

  void begin(std::uint32_t index) noexcept override;
  void release(std::uint32_t index) noexcept override;
  /// Times a block was given back, of all blocks.
  [[nodiscard]] std::uint64_t releases() const noexcept { return releases_; }
  /// Times the counters were read and thereby reset.
  [[nodiscard]] std::uint64_t counter_reads() const noexcept { return counter_reads_; }

  [[nodiscard]] capture::ring_journal* journal() noexcept {
    return journal_ ? &*journal_ : nullptr;
  }
  [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }
  [[nodiscard]] const std::shared_ptr<scripted_kernel>& kernel() const noexcept { return kernel_; }

 private:
  capture::producer_counters read_counters() noexcept override;
  [[nodiscard]] bool is_over() const;

  std::shared_ptr<scripted_kernel> kernel_;  ///< also who takes it over
  std::optional<capture::ring_journal> journal_;
  std::uint64_t turns_ = 0;
  life life_;

  // The releaser's own.
  std::uint64_t releases_ = 0;
  std::uint64_t counter_reads_ = 0;
};

/// A frame of `byte_count` octets (at least 18) that carries a number: Ethernet addresses, an
/// EtherType for experiments (0x88b5), the number in four octets, most significant first, then a
/// pattern that depends on the number.
[[nodiscard]] std::vector<std::byte> numbered_frame(std::uint32_t number, std::size_t byte_count);

/// The number in such a frame, which may be cut short; nothing when it is none or damaged.
[[nodiscard]] std::optional<std::uint32_t> number_of(std::span<const std::byte> frame);

}  // namespace captured::test
