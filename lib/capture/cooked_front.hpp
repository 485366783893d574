// SPDX-License-Identifier: MIT
//
// Puts a Linux cooked header, version 1 (LINKTYPE_LINUX_SLL), before the packet of a frame, into
// the room that the kernel leaves there. Header-only: this runs for each packet of such a device.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <linux/if_packet.h>

#include "base/bytes.hpp"
#include "packet/packet_view.hpp"

namespace captured::capture::cooked {

inline constexpr std::size_t header_bytes = 16;
inline constexpr std::size_t tag_bytes = 4;
inline constexpr std::size_t address_bytes_max = 8;

/// Writes the header so that it ends at `packet`, before which 20 octets are free; returns how many
/// it took. `vlan.tpid` 0 means no tag; one stands between address and protocol, as libpcap writes
/// it, and its TPID thereby where the protocol is looked for.
///
///   frame + 0    tpacket3_hdr
///         + 48   sockaddr_ll: where the header's fields come from
///         + 68   free, at least 28 octets
///   packet - 16  packet type, hardware type, address length: 2 each, big endian
///          - 10  sender's address, 8
///          - 2   protocol
///   packet       from its network header on
[[nodiscard]] inline std::size_t write_front(std::byte* packet, const sockaddr_ll& address,
                                             const packet::vlan_tag& vlan) noexcept {
  const std::size_t size = header_bytes + (vlan.tpid != 0 ? tag_bytes : 0);
  std::byte* const out = packet - size;
  base::store_big(out, static_cast<std::uint16_t>(address.sll_pkttype));
  base::store_big(out + 2, static_cast<std::uint16_t>(address.sll_hatype));
  base::store_big(out + 4, static_cast<std::uint16_t>(address.sll_halen));
  // Behind a short address the kernel leaves what happened to be there.
  std::array<unsigned char, address_bytes_max> known{};
  std::memcpy(known.data(), address.sll_addr,
              std::min<std::size_t>(address.sll_halen, known.size()));
  std::memcpy(out + 6, known.data(), known.size());
  if (vlan.tpid != 0) [[unlikely]] {
    base::store_big(out + 14, vlan.tpid);
    base::store_big(out + 16, vlan.tci);
  }
  base::store_native(packet - 2, address.sll_protocol);  // in network order already
  return size;
}

}  // namespace captured::capture::cooked
