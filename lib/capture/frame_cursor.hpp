// SPDX-License-Identifier: MIT
//
// Walks the packets of one TPACKET_V3 block (struct tpacket_block_desc, struct tpacket3_hdr in
// linux/if_packet.h). Reads nothing outside the block whatever its octets say, and writes nothing
// but the cooked header that devices without a link layer of their own get. Header-only: this runs
// for each packet.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <linux/if_packet.h>

#include "base/bytes.hpp"
#include "capture/cooked_front.hpp"
#include "capture/framing.hpp"
#include "packet/packet_view.hpp"

namespace captured::capture {

/// The head of a block as the kernel leaves it when it retires the block.
struct block_head {
  std::uint32_t packet_count = 0;
  std::uint32_t first_frame_offset = 0;
  std::uint32_t used_bytes = 0;  ///< octets in use, from the start of the block
  std::uint64_t sequence = 0;    ///< counts the blocks of a ring, from 1
};

/// Reads the head; a block too short for one gives zeros.
[[nodiscard]] block_head read_block_head(std::span<const std::byte> block) noexcept;

/// Steps through the frames of one block. Copyable: the position can be kept while the block is
/// held and gone on with later.
class frame_cursor {
 public:
  frame_cursor() noexcept = default;
  /// The block must stay held while the cursor is used. With `cooked` each packet shown has its
  /// cooked header before it, made in place, within its own frame; both lengths count it.
  explicit frame_cursor(std::span<std::byte> block, framing form = framing::ethernet) noexcept;

  /// Fills `packet` with the next frame and steps over it; false at the end of the block.
  /// A frame whose fields do not fit the block ends the walk: `damaged()` then says so, and
  /// `remaining()` how many packets could not be reached. Nothing of a frame that was stepped
  /// over is read again, so that its memory may then be overwritten.
  [[nodiscard]] bool next(packet::packet_view& packet) noexcept;

  [[nodiscard]] std::uint32_t remaining() const noexcept { return remaining_; }
  [[nodiscard]] bool damaged() const noexcept { return damaged_; }

 private:
  void prefetch(std::size_t distance) const noexcept;

  void dress(packet::packet_view& packet, std::byte* frame) const noexcept;

  std::span<std::byte> block_;
  std::size_t offset_ = 0;  ///< never past the end of block_
  std::uint32_t remaining_ = 0;
  bool damaged_ = false;
  framing form_ = framing::ethernet;
};

/// Where the fields lie, and what they mean in a packet_view.
namespace tpacket {

/// Frame header and sockaddr_ll, which every frame begins with; its data cannot start earlier.
inline constexpr std::size_t frame_head_bytes = sizeof(tpacket3_hdr) + sizeof(sockaddr_ll);
static_assert(sizeof(tpacket3_hdr) % TPACKET_ALIGNMENT == 0, "sockaddr_ll follows at once");
/// Room for a cooked header with a tag, which SOCK_DGRAM sockets have before the data.
inline constexpr std::size_t cooked_head_bytes =
    frame_head_bytes + cooked::header_bytes + cooked::tag_bytes;
inline constexpr std::size_t block_head_bytes = sizeof(tpacket_block_desc);
inline constexpr std::size_t frame_alignment = 8;
inline constexpr std::size_t packet_type_offset =
    sizeof(tpacket3_hdr) + offsetof(sockaddr_ll, sll_pkttype);
/// "TCP segmentation offload", linux/if_packet.h since 6.3.
inline constexpr std::uint32_t status_gso_tcp = 1u << 8;
inline constexpr std::uint16_t default_tpid = 0x8100;

/// Packet flags by sll_pkttype: host, broadcast, multicast, other host, outgoing; the types above
/// never reach a packet socket.
inline constexpr std::array<std::uint32_t, 8> flags_by_packet_type = {
    packet::flags::inbound | packet::flags::unicast,
    packet::flags::inbound | packet::flags::broadcast,
    packet::flags::inbound | packet::flags::multicast,
    packet::flags::inbound | packet::flags::promiscuous,
    packet::flags::outbound,
    0,
    0,
    0,
};

/// The three offload bits of tp_status, moved to their places without a branch.
[[nodiscard]] constexpr std::uint32_t offload_flags(std::uint32_t status) noexcept {
  static_assert(TP_STATUS_CSUMNOTREADY << 6 == packet::flags::checksum_not_ready);
  static_assert(TP_STATUS_CSUM_VALID << 3 == packet::flags::checksum_valid);
  static_assert(status_gso_tcp << 3 == packet::flags::segmentation_offloaded);
  return ((status & TP_STATUS_CSUMNOTREADY) << 6) |
         ((status & (TP_STATUS_CSUM_VALID | status_gso_tcp)) << 3);
}

}  // namespace tpacket

inline block_head read_block_head(std::span<const std::byte> block) noexcept {
  if (block.size() < tpacket::block_head_bytes) {
    return {};
  }
  constexpr std::size_t head = offsetof(tpacket_block_desc, hdr);
  const auto field = [&](std::size_t offset) {
    return base::load_native<std::uint32_t>(block.data() + head + offset);
  };
  return {.packet_count = field(offsetof(tpacket_hdr_v1, num_pkts)),
          .first_frame_offset = field(offsetof(tpacket_hdr_v1, offset_to_first_pkt)),
          .used_bytes = field(offsetof(tpacket_hdr_v1, blk_len)),
          .sequence = base::load_native<std::uint64_t>(block.data() + head +
                                                       offsetof(tpacket_hdr_v1, seq_num))};
}

inline frame_cursor::frame_cursor(std::span<std::byte> block, framing form) noexcept
    : block_(block), form_(form) {
  const block_head head = read_block_head(block);
  remaining_ = head.packet_count;
  const bool plausible = head.first_frame_offset >= tpacket::block_head_bytes &&
                         head.first_frame_offset < block.size() &&
                         head.first_frame_offset % tpacket::frame_alignment == 0;
  offset_ = plausible ? head.first_frame_offset : block.size();
}

inline bool frame_cursor::next(packet::packet_view& packet) noexcept {
  if (remaining_ == 0) {
    return false;
  }
  const std::size_t room = block_.size() - offset_;
  if (room < tpacket::frame_head_bytes) [[unlikely]] {
    damaged_ = true;
    return false;
  }
  std::byte* const frame = block_.data() + offset_;
  const auto field = [&](std::size_t offset) {
    return base::load_native<std::uint32_t>(frame + offset);
  };
  const std::size_t data_offset =
      base::load_native<std::uint16_t>(frame + offsetof(tpacket3_hdr, tp_mac));
  const std::size_t length = field(offsetof(tpacket3_hdr, tp_snaplen));
  const std::size_t data_end = data_offset + length;
  const std::size_t head_bytes =
      form_ == framing::cooked ? tpacket::cooked_head_bytes : tpacket::frame_head_bytes;
  if (data_offset < head_bytes || data_end > room) [[unlikely]] {
    damaged_ = true;
    return false;
  }
  const std::uint32_t status = field(offsetof(tpacket3_hdr, tp_status));
  const auto packet_type = std::to_integer<std::size_t>(frame[tpacket::packet_type_offset]);
  packet.timestamp_ns = std::uint64_t{1'000'000'000} * field(offsetof(tpacket3_hdr, tp_sec)) +
                        field(offsetof(tpacket3_hdr, tp_nsec));
  packet.data = {frame + data_offset, length};
  packet.original_length = field(offsetof(tpacket3_hdr, tp_len));
  packet.packet_flags = tpacket::flags_by_packet_type[std::min<std::size_t>(packet_type, 7)] |
                        tpacket::offload_flags(status);
  packet.hardware_stamp = (status & TP_STATUS_TS_RAW_HARDWARE) != 0;
  packet.vlan = {};
  if ((status & TP_STATUS_VLAN_VALID) != 0) {
    const auto tpid =
        base::load_native<std::uint16_t>(frame + offsetof(tpacket3_hdr, hv1.tp_vlan_tpid));
    packet.vlan = {
        .tpid = (status & TP_STATUS_VLAN_TPID_VALID) != 0 ? tpid : tpacket::default_tpid,
        .tci = static_cast<std::uint16_t>(field(offsetof(tpacket3_hdr, hv1.tp_vlan_tci)))};
  }
  if (form_ != framing::ethernet) {
    dress(packet, frame);
  }
  // The kernel ends the chain with a distance of 0, which never covers the data: whoever asks for
  // one frame more than there is finds no room.
  const std::size_t distance = field(offsetof(tpacket3_hdr, tp_next_offset));
  const bool steps_on =
      distance >= data_end && distance <= room && distance % tpacket::frame_alignment == 0;
  --remaining_;
  offset_ = steps_on ? offset_ + distance : block_.size();
  prefetch(distance);
  return true;
}

/// Puts the cooked header before the packet. The tag is then part of it; before bare IP there is no
/// place for one.
inline void frame_cursor::dress(packet::packet_view& packet, std::byte* frame) const noexcept {
  if (form_ == framing::cooked) {
    std::byte* const data = frame + (packet.data.data() - frame);  // without its const
    const auto address = base::load_native<sockaddr_ll>(frame + sizeof(tpacket3_hdr));
    const std::size_t front = cooked::write_front(data, address, packet.vlan);
    packet.data = {data - front, front + packet.data.size()};
    packet.original_length += static_cast<std::uint32_t>(front);
  }
  packet.vlan = {};
}

/// Loads the head of a frame some steps ahead, on the guess that frames are alike in length; a
/// wrong guess costs a cache line, a right one hides the memory's latency.
inline void frame_cursor::prefetch(std::size_t distance) const noexcept {
  constexpr std::size_t frames_ahead = 4;
  constexpr std::size_t cache_line = 64;
  const std::size_t guess = offset_ + frames_ahead * distance;
  if (guess + cache_line < block_.size()) {
    __builtin_prefetch(block_.data() + guess);
    __builtin_prefetch(block_.data() + guess + cache_line);
  }
}

}  // namespace captured::capture
