// SPDX-License-Identifier: MIT
//
// The consumer's side of a TPACKET_V3 ring over memory that somebody else owns: which block is
// next, who holds it, what was lost before it. packet_ring puts a kernel behind it, a test an
// imitation of one; neither sockets nor system calls here.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "capture/block_source.hpp"
#include "capture/loss_ledger.hpp"
#include "capture/ring_journal.hpp"

namespace captured::capture {

/// What the producer counted since it was last asked: asking sets it to zero.
struct producer_counters {
  std::uint32_t packets = 0;  ///< accepted, including the dropped
  std::uint32_t drops = 0;
  std::uint32_t freezes = 0;
};

/// Threads as in block_source: `try_take` on one, everything else on another. A block's contents
/// pass from the producer to the taker by its status word, from the taker to the releaser by
/// whatever carries the lease, and back to the producer by the status word again. Not movable,
/// for leases point here.
class block_ring : public block_source {
 public:
  block_ring(const block_ring&) = delete;
  block_ring& operator=(const block_ring&) = delete;

  [[nodiscard]] std::uint32_t block_count() const noexcept final { return block_count_; }
  [[nodiscard]] std::span<std::byte> block_memory(std::uint32_t index) noexcept final;
  [[nodiscard]] std::span<std::byte> memory(std::uint32_t) noexcept final { return memory_; }
  [[nodiscard]] std::optional<std::uint32_t> try_take() noexcept final;
  [[nodiscard]] std::uint64_t losses_before(std::uint32_t index) const noexcept final;
  [[nodiscard]] std::uint32_t packets_done(std::uint32_t index) const noexcept final {
    return index == begun_ ? begun_packets_ : 0;
  }
  void release(std::uint32_t index) noexcept override;
  [[nodiscard]] ring_statistics statistics() noexcept final;

 protected:
  /// `memory` is a whole number of blocks and outlives the ring.
  block_ring(std::span<std::byte> memory, std::uint32_t block_bytes);
  /// The consumer before left off where the journal says. What he had dealt with and not given
  /// back is given back; the rest comes again. The statistics begin with what he had not dealt
  /// with: packets that wait in the ring, and losses that he had not told. Those of the journal's
  /// last reading lie behind what waits when the ring is full, all others before it.
  block_ring(std::span<std::byte> memory, std::uint32_t block_bytes, const ring_journal& journal);

  /// Reads and thereby zeroes the producer's counters; on the releasing thread only.
  [[nodiscard]] virtual producer_counters read_counters() noexcept = 0;

  /// The word that says whose block it is.
  [[nodiscard]] std::atomic_ref<std::uint32_t> status(std::uint32_t index) noexcept;

 private:
  [[nodiscard]] bool in_use(std::uint32_t index) noexcept;
  [[nodiscard]] bool is_newer(std::uint32_t index, std::uint64_t blocks) noexcept;
  std::uint32_t give_back_before(std::uint64_t done) noexcept;
  void follow_producer() noexcept;
  void count_and_charge() noexcept;
  void release_oldest(std::uint32_t index) noexcept;

  std::span<std::byte> memory_;
  std::uint32_t block_bytes_;
  std::uint32_t block_count_;

  // The taking thread's own.
  alignas(64) std::uint32_t next_ = 0;
  std::uint64_t taken_ = 0;

  // The releasing thread's own; only released_ is read by the other.
  alignas(64) std::atomic<std::uint64_t> released_{0};
  loss_ledger ledger_;
  std::uint32_t begun_ = 0;  ///< the block that the consumer before had dealt with in part
  std::uint32_t begun_packets_ = 0;
  ring_statistics sums_;
  std::uint32_t uncounted_releases_ = 0;  ///< since the counters were read
};

}  // namespace captured::capture
