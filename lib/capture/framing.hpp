// SPDX-License-Identifier: MIT
//
// What stands before the network header in the packets of a device, and hence what kind of socket
// takes them and what becomes of a VLAN tag that was taken out of them.
#pragma once

#include <cstdint>

#include "packet/link_type.hpp"

namespace captured::capture {

enum class framing : std::uint8_t {
  ethernet,  ///< two addresses and a type; a tag goes back behind the addresses
  bare,      ///< nothing: IP at once; no place for a tag, which is left out
  cooked,    ///< the kernel takes the device's own header off, we put a Linux cooked header there
};

[[nodiscard]] constexpr framing framing_of(packet::link_type link) noexcept {
  switch (link) {
    case packet::link_type::ethernet:
      return framing::ethernet;
    case packet::link_type::raw_ip:
      return framing::bare;
    default:
      return framing::cooked;
  }
}

}  // namespace captured::capture
