// SPDX-License-Identifier: MIT
//
// Numbers in and out of octets at any alignment, and rounding. The callers check bounds: these
// functions touch exactly sizeof(T) octets at the pointer.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace captured::base {

/// Reverses the octets of an unsigned number.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T byte_swap(T value) noexcept {
  if constexpr (sizeof(T) == 1) {
    return value;
  } else if constexpr (sizeof(T) == 2) {
    return __builtin_bswap16(value);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bswap32(value);
  } else {
    return __builtin_bswap64(value);
  }
}

/// The number as it lies in memory, in the byte order of this host.
template <class T>
[[nodiscard]] inline T load_native(const std::byte* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <std::unsigned_integral T>
[[nodiscard]] inline T load_little(const std::byte* from) noexcept {
  const T value = load_native<T>(from);
  return std::endian::native == std::endian::little ? value : byte_swap(value);
}

template <std::unsigned_integral T>
[[nodiscard]] inline T load_big(const std::byte* from) noexcept {
  const T value = load_native<T>(from);
  return std::endian::native == std::endian::big ? value : byte_swap(value);
}

template <class T>
inline void store_native(std::byte* to, T value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

template <std::unsigned_integral T>
inline void store_little(std::byte* to, T value) noexcept {
  store_native(to, std::endian::native == std::endian::little ? value : byte_swap(value));
}

template <std::unsigned_integral T>
inline void store_big(std::byte* to, T value) noexcept {
  store_native(to, std::endian::native == std::endian::big ? value : byte_swap(value));
}

/// The smallest multiple of `alignment` (a power of two) that is not below `value`.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T align_up(T value, T alignment) noexcept {
  return (value + alignment - 1) & ~(alignment - 1);
}

}  // namespace captured::base
