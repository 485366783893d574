// SPDX-License-Identifier: MIT
//
// A packet's octets as a file holds them: with the VLAN tag that card or kernel took out put back
// behind the two addresses, and cut. For the encoders of the hot path: header-only, no allocation,
// no error.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.hpp"
#include "packet/packet_view.hpp"

namespace captured::format::detail {

inline constexpr std::size_t vlan_tag_bytes = 4;
inline constexpr std::size_t addresses_bytes = 12;  ///< two of Ethernet; the tag stands behind them

/// Octets that the file gets; a packet cut before the tag's place does not get the tag.
[[nodiscard]] inline std::uint32_t captured_bytes(const packet::packet_view& packet,
                                                  std::uint32_t snaplen) noexcept {
  const bool tagged = packet.vlan.tpid != 0 && packet.data.size() >= addresses_bytes;
  const std::size_t whole = packet.data.size() + (tagged ? vlan_tag_bytes : 0);
  return static_cast<std::uint32_t>(std::min<std::size_t>(whole, snaplen));
}

/// Octets on the wire, the tag included; never below the captured ones.
[[nodiscard]] inline std::uint32_t original_bytes(const packet::packet_view& packet,
                                                  std::uint32_t captured) noexcept {
  const auto tag = static_cast<std::uint32_t>(packet.vlan.tpid != 0 ? vlan_tag_bytes : 0);
  return std::max(packet.original_length + tag, captured);
}

/// `captured` octets of the packet with the tag between the addresses and the rest.
inline void copy_tagged(std::byte* out, const packet::packet_view& packet,
                        std::uint32_t captured) noexcept {
  std::byte front[addresses_bytes + vlan_tag_bytes];
  std::memcpy(front, packet.data.data(), addresses_bytes);
  base::store_big(front + addresses_bytes, packet.vlan.tpid);
  base::store_big(front + addresses_bytes + 2, packet.vlan.tci);
  if (captured <= sizeof front) {
    std::memcpy(out, front, captured);
    return;
  }
  std::memcpy(out, front, sizeof front);
  std::memcpy(out + sizeof front, packet.data.data() + addresses_bytes, captured - sizeof front);
}

/// The first `captured` octets, as captured_bytes gave them.
inline void copy_captured(std::byte* out, const packet::packet_view& packet,
                          std::uint32_t captured) noexcept {
  if (packet.vlan.tpid != 0 && packet.data.size() >= addresses_bytes) [[unlikely]] {
    copy_tagged(out, packet, captured);
  } else if (captured != 0) [[likely]] {  // memcpy may not be given the null of an empty span
    std::memcpy(out, packet.data.data(), captured);
  }
}

}  // namespace captured::format::detail
