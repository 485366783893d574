// SPDX-License-Identifier: MIT
//
// All rings of one device as one source of blocks: a single ring, or several between which the
// kernel shares the packets (PACKET_FANOUT, packet(7)), so that each processor that receives has a
// ring of its own. The packets of one flow stay in one ring. Not for the order of time between
// rings: blocks come as they are finished, ring after ring in turn.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.hpp"
#include "capture/packet_ring.hpp"
#include "capture/ring_catch_up.hpp"

namespace captured::capture {

/// One ring that an earlier process left behind.
struct left_ring {
  base::unique_fd socket;
  ring_journal journal;
};

/// Threads as in block_source and packet_ring. Blocks are numbered ring after ring.
class ring_group final : public block_source {
 public:
  /// Opens `queues` rings, at least one, each of the size in `options`. Several begin to receive
  /// once all have joined, so that no packet comes twice. Fails as packet_ring::open does; the
  /// memory of each ring comes from the node of the processor on which this runs.
  static base::result<std::unique_ptr<ring_group>> open(
      const device& from, const interface_options& options, std::uint32_t queues,
      const filter_program& program, const std::shared_ptr<spare_sockets>& spares = nullptr);
  /// Goes on with all rings of a device that another process made with these options and left
  /// behind, in their order; at least one. So much of them is in its files, which is at least what
  /// the journals have. Fails as packet_ring::take_over does.
  static base::result<std::unique_ptr<ring_group>> take_over(std::vector<left_ring> left,
                                                             const device& from,
                                                             const interface_options& options,
                                                             const filter_program& program,
                                                             const dealt_with& dealt);
  /// Of rings of one device that share its packets, all of one size and with this filter; at least
  /// one.
  ring_group(std::vector<std::unique_ptr<packet_ring>> rings, filter_program program);

  [[nodiscard]] std::uint32_t block_count() const noexcept override {
    return static_cast<std::uint32_t>(rings_.size()) * blocks_of_each_;
  }
  [[nodiscard]] std::uint32_t queue_count() const noexcept override {
    return static_cast<std::uint32_t>(rings_.size());
  }
  [[nodiscard]] std::uint32_t queue_of(std::uint32_t index) const noexcept override {
    return index / blocks_of_each_;
  }
  [[nodiscard]] framing form() const noexcept override { return rings_.front()->form(); }
  [[nodiscard]] std::span<std::byte> block_memory(std::uint32_t index) noexcept override {
    return ring_of(index).block_memory(index % blocks_of_each_);
  }
  [[nodiscard]] std::span<std::byte> memory(std::uint32_t queue) noexcept override {
    return rings_[queue]->memory(0);
  }
  [[nodiscard]] std::optional<std::uint32_t> try_take() noexcept override;
  [[nodiscard]] std::uint64_t losses_before(std::uint32_t index) const noexcept override {
    return rings_[queue_of(index)]->losses_before(index % blocks_of_each_);
  }
  [[nodiscard]] std::uint32_t packets_done(std::uint32_t index) const noexcept override {
    return rings_[queue_of(index)]->packets_done(index % blocks_of_each_);
  }
  /// With journals, notes the block's turn for whoever takes the rings over.
  void begin(std::uint32_t index) noexcept override {
    if (has_journals_) {
      note_turn(block_memory(index), ++turns_);
    }
  }
  void release(std::uint32_t index) noexcept override {
    ring_of(index).release(index % blocks_of_each_);
  }
  /// Of all rings together. One system call for each.
  [[nodiscard]] ring_statistics statistics() noexcept override;

  /// Each ring keeps a journal from now on, which says how it is made. Before the first block is
  /// taken. Fails with ENFILE, EMFILE or ENOMEM.
  base::result<> keep_journals(const ring_make& how);
  /// What the user wants of the packets has changed.
  void note_make(const ring_make& how) noexcept;
  /// As the journals have it, of all rings together. There must be journals; before the first block
  /// is taken.
  [[nodiscard]] dealt_with progress() const noexcept;
  /// Blocks that have had their turn.
  [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }
  /// For whom the packets are dealt with from now on. As `progress`.
  void set_use(const ring_use& now) noexcept { rings_.front()->journal()->set_use(now); }
  [[nodiscard]] const ring_use& use() const noexcept { return rings_.front()->journal()->use(); }

  /// As those of packet_ring, for all rings. The interval spans the changes of all. After a failure
  /// the former filter is in force again.
  base::result<filter_change> change_filter(const filter_program& program);
  /// Goes on to the last ring; the first failure is returned.
  base::result<> reject_all();
  [[nodiscard]] packet::link_type link() const noexcept { return rings_.front()->link(); }
  [[nodiscard]] std::chrono::milliseconds timeout() const noexcept {
    return rings_.front()->timeout();
  }
  /// The rings themselves, to wait for.
  [[nodiscard]] const std::vector<std::unique_ptr<packet_ring>>& rings() const noexcept {
    return rings_;
  }

 private:
  [[nodiscard]] packet_ring& ring_of(std::uint32_t index) noexcept {
    return *rings_[index / blocks_of_each_];
  }

  std::vector<std::unique_ptr<packet_ring>> rings_;
  std::uint32_t blocks_of_each_;
  filter_program program_;  ///< in force; of whoever changes it
  std::size_t turn_ = 0;    ///< the taking thread's own: which ring is looked at first
  bool has_journals_ = false;
  std::uint64_t turns_ = 0;  ///< the releasing thread's own
};

}  // namespace captured::capture
