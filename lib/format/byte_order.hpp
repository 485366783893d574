// SPDX-License-Identifier: MIT
//
// Numbers in the byte order of a capture file, which the file itself names. Not for formats whose
// order is fixed; those use base/bytes.hpp.
#pragma once

#include <concepts>
#include <cstdint>

#include "base/bytes.hpp"

namespace captured::format {

enum class byte_order : std::uint8_t { little, big };

/// Reads sizeof(T) octets at `from`; the caller has checked that they are there.
template <std::unsigned_integral T>
[[nodiscard]] inline T load(const std::byte* from, byte_order order) noexcept {
  return order == byte_order::little ? base::load_little<T>(from) : base::load_big<T>(from);
}

/// Writes sizeof(T) octets at `to`; the caller has checked that there is room.
template <std::unsigned_integral T>
inline void store(std::byte* to, T value, byte_order order) noexcept {
  if (order == byte_order::little) {
    base::store_little(to, value);
  } else {
    base::store_big(to, value);
  }
}

/// pcapng time stamps are two numbers of 32 bits, the upper one first in either byte order.
[[nodiscard]] inline std::uint64_t load_ticks(const std::byte* from, byte_order order) noexcept {
  return std::uint64_t{load<std::uint32_t>(from, order)} << 32 |
         load<std::uint32_t>(from + 4, order);
}

}  // namespace captured::format
