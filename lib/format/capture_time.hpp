// SPDX-License-Identifier: MIT
//
// Times of packets as files hold them and as we give them: ticks of an interface, and nanoseconds
// since 1970-01-01 UTC. Pure arithmetic (formats, section "Time"); no clocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace captured::format {

/// Nanoseconds since 1970-01-01 UTC, maybe before it. 64 bits of microseconds, or of seconds, do
/// not fit 64 bits of nanoseconds, and files with such ticks are read like any other.
__extension__ typedef __int128 time_ns;

inline constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;

/// Decimal digits, with a sign when negative.
[[nodiscard]] std::string to_decimal(time_ns value);

/// What a tick of an interface is: its if_tsresol and if_tsoffset.
class tick_scale {
 public:
  /// Nanoseconds since 1970.
  constexpr tick_scale() noexcept = default;

  /// Nothing when the resolution is finer than 10^-19 or 2^-63 seconds.
  static std::optional<tick_scale> make(std::uint8_t tsresol, std::int64_t tsoffset) noexcept;

  /// Exact for resolutions up to nanoseconds, else rounded down.
  [[nodiscard]] time_ns to_ns(std::uint64_t ticks) const noexcept {
    if (ns_per_tick_ != 0) [[likely]] {
      return static_cast<time_ns>(ticks) * ns_per_tick_ + offset_ns_;
    }
    return finer_to_ns(ticks);
  }

  /// Are they a whole number of nanoseconds?
  [[nodiscard]] bool is_exact(std::uint64_t ticks) const noexcept {
    return ns_per_tick_ != 0 || is_whole(ticks);
  }

  /// Rounded down to whole ticks; nothing when 64 bits cannot hold it.
  [[nodiscard]] std::optional<std::uint64_t> to_ticks(time_ns time) const noexcept;

 private:
  [[nodiscard]] bool is_whole(std::uint64_t ticks) const noexcept;
  [[nodiscard]] time_ns finer_to_ns(std::uint64_t ticks) const noexcept;

  std::uint64_t units_per_second_ = nanoseconds_per_second;
  std::uint64_t ns_per_tick_ = 1;  ///< 0 when a tick is not a whole number of them
  time_ns offset_ns_ = 0;
};

}  // namespace captured::format
