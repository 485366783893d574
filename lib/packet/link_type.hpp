// SPDX-License-Identifier: MIT
//
// Link-layer header types as files name them (LINKTYPE_ values, draft-ietf-opsawg-pcaplinktype and
// tcpdump.org/linktypes.html). libpcap's DLT_ numbers are not used anywhere.
#pragma once

#include <cstdint>

namespace captured::packet {

/// Any 16-bit value is valid: an unknown number is carried, not refused.
enum class link_type : std::uint16_t {
  null = 0,
  ethernet = 1,
  token_ring = 6,
  ppp = 9,
  fddi = 10,
  raw_ip = 101,
  c_hdlc = 104,
  ieee802_11 = 105,
  loop = 108,
  linux_sll = 113,
  ieee802_11_radiotap = 127,
  ipv4 = 228,
  ipv6 = 229,
  linux_sll2 = 276,
};

}  // namespace captured::packet
