// SPDX-License-Identifier: MIT
//
// One packet as it passes through: where its octets lie and what is known about it. A view, it
// owns nothing and never outlives the call it was passed to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace captured::packet {

/// Direction and reception in the bit layout of epb_flags (draft-ietf-opsawg-pcapng, section
/// "Enhanced Packet Block Flags Word"), which capture and format share.
namespace flags {
inline constexpr std::uint32_t inbound = 1;
inline constexpr std::uint32_t outbound = 2;
inline constexpr std::uint32_t direction_mask = 3;
inline constexpr std::uint32_t unicast = 1u << 2;
inline constexpr std::uint32_t multicast = 2u << 2;
inline constexpr std::uint32_t broadcast = 3u << 2;
inline constexpr std::uint32_t promiscuous = 4u << 2;
inline constexpr std::uint32_t reception_mask = 7u << 2;
inline constexpr std::uint32_t checksum_not_ready = 1u << 9;
inline constexpr std::uint32_t checksum_valid = 1u << 10;
inline constexpr std::uint32_t segmentation_offloaded = 1u << 11;
}  // namespace flags

/// The outer VLAN tag that card or kernel took out of the frame. `tpid` 0 means that there is none.
struct vlan_tag {
  std::uint16_t tpid = 0;  ///< EtherType of the tag, host byte order: 0x8100, 0x88a8, …
  std::uint16_t tci = 0;   ///< priority, DEI and VLAN id, host byte order
};

struct packet_view {
  std::uint64_t timestamp_ns = 0;     ///< since 1970-01-01 UTC
  std::span<const std::byte> data;    ///< captured octets, without a removed VLAN tag
  std::uint32_t original_length = 0;  ///< octets on the wire, without a removed VLAN tag
  std::uint32_t packet_flags = 0;     ///< see `flags`
  vlan_tag vlan;                      ///< to be put back behind the addresses by file writers
  bool hardware_stamp = false;        ///< stamped by the card's clock, not by the system's
};

}  // namespace captured::packet
