// SPDX-License-Identifier: MIT
//
// A ring whose kernel is a script: it lays out TPACKET_V3 blocks as the kernel does, byte for byte,
// and freezes, drops and counts as the kernel does, but when the test says so. Taking and giving
// back is the production code. No sockets, no time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

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

/// One thread is the kernel and the taker (`produce`, `retire`, `lose`, `try_take`), the same or
/// another is the releaser (`losses_before`, `release`, `statistics`), as in block_source. The
/// observers below belong to the releaser. A block's memory is overwritten when it is released, so
/// that a later look at it shows.
class scripted_source final : public capture::block_ring {
 public:
  /// What a released block is filled with, but for its status word.
  static constexpr std::byte poison{0xdb};

  explicit scripted_source(const scripted_options& = {});

  /// A packet that the filter accepted arrives. False when no block is free for it: it is counted
  /// as dropped.
  bool produce(const scripted_packet& packet);
  /// The block timer fires: a block that holds packets is handed over.
  void retire();
  /// `packets` packets are accepted and lost without a block having been full, as happens when
  /// several processors feed one ring.
  void lose(std::uint32_t packets) noexcept;

  void release(std::uint32_t index) noexcept override;
  /// Times a block was given back, of all blocks.
  [[nodiscard]] std::uint64_t releases() const noexcept { return releases_; }
  /// Times the counters were read and thereby reset.
  [[nodiscard]] std::uint64_t counter_reads() const noexcept { return counter_reads_; }

 private:
  scripted_source(base::mapping memory, const scripted_options& options);
  capture::producer_counters read_counters() noexcept override;

  /// Opens the block that is next in the circle, or freezes when it is held.
  void open_next_block();
  void open_block();
  void close_block(std::uint32_t status_bits);
  void write_frame(const scripted_packet& packet, std::uint32_t data_offset,
                   std::uint32_t captured_length);
  [[nodiscard]] bool block_in_use() noexcept;
  [[nodiscard]] std::byte* open_memory() noexcept { return block_memory(open_).data(); }

  base::mapping memory_;
  scripted_options options_;

  // The kernel's own.
  std::uint32_t open_ = 0;  ///< block being filled, or waited for when frozen
  bool frozen_ = false;
  std::size_t end_ = 0;         ///< where the next frame goes
  std::size_t last_frame_ = 0;  ///< where the last one lies
  tpacket_block_desc head_{};   ///< of the open block, written when it closes
  std::uint64_t sequence_ = 0;

  std::atomic<std::uint32_t> packets_{0};
  std::atomic<std::uint32_t> drops_{0};
  std::atomic<std::uint32_t> freezes_{0};

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
