// SPDX-License-Identifier: MIT
//
// The kernel's side of a ring, by a script: it lays out TPACKET_V3 blocks as the kernel does, byte
// for byte, and freezes, drops and counts as the kernel does, but when the test says so. It
// outlives who takes the blocks, as the socket does that somebody else holds, too.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include <linux/if_packet.h>

#include "base/mapping.hpp"
#include "capture/block_ring.hpp"
#include "packet/packet_view.hpp"

namespace captured::test {

/// What arrives. `data` is only read during the call.
struct scripted_packet {
  std::uint64_t timestamp_ns = 0;
  std::span<const std::byte> data = {};  ///< the whole frame, without a VLAN tag that was taken out
  std::uint32_t original_length = 0;     ///< 0 means data.size()
  std::uint8_t packet_type = 0;          ///< sll_pkttype: 0 host … 4 outgoing
  std::uint32_t status = 0;              ///< further TP_STATUS_ bits, such as TP_STATUS_CSUM_VALID
  packet::vlan_tag vlan = {};            ///< tpid 0: no tag
};

struct scripted_options {
  std::uint32_t block_count = 4;
  std::uint32_t block_bytes = 4096;
  std::uint32_t snaplen = 262144;
  std::uint32_t reserve = 2;      ///< PACKET_RESERVE
  std::uint32_t mac_length = 14;  ///< octets of link-layer header, decides where data begin
};

/// One thread, but `read_counters`, which belongs to who releases the blocks. A block is the
/// kernel's when its status word says so.
class scripted_kernel {
 public:
  explicit scripted_kernel(const scripted_options& options = {});

  [[nodiscard]] const scripted_options& options() const noexcept { return options_; }
  [[nodiscard]] std::span<std::byte> memory() noexcept { return memory_.bytes(); }

  /// A packet that the filter accepted arrives. False when no block is free for it: it is counted
  /// as dropped.
  bool produce(const scripted_packet& packet);
  /// The block timer fires: a block that holds packets is handed over.
  void retire();
  /// `packets` packets are accepted and lost without a block having been full, as happens when
  /// several processors feed one ring.
  void lose(std::uint32_t packets) noexcept;
  /// What was counted since it was last asked.
  capture::producer_counters read_counters() noexcept;

 private:
  /// Opens the block that is next in the circle, or freezes when it is held.
  void open_next_block();
  void open_block();
  void close_block(std::uint32_t status_bits);
  void write_frame(const scripted_packet& packet, std::uint32_t data_offset,
                   std::uint32_t captured_length);
  [[nodiscard]] bool block_in_use() noexcept;
  [[nodiscard]] std::byte* open_memory() noexcept;
  [[nodiscard]] std::atomic_ref<std::uint32_t> open_status() noexcept;

  base::mapping memory_;
  scripted_options options_;
  std::uint32_t open_ = 0;  ///< block being filled, or waited for when frozen
  bool frozen_ = false;
  std::size_t end_ = 0;         ///< where the next frame goes
  std::size_t last_frame_ = 0;  ///< where the last one lies
  tpacket_block_desc head_{};   ///< of the open block, written when it closes
  std::uint64_t sequence_ = 0;

  std::atomic<std::uint32_t> packets_{0};
  std::atomic<std::uint32_t> drops_{0};
  std::atomic<std::uint32_t> freezes_{0};
};

}  // namespace captured::test
