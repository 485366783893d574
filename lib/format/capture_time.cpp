// SPDX-License-Identifier: MIT
#include "format/capture_time.hpp"

#include <algorithm>

namespace captured::format {
namespace {

constexpr std::uint8_t binary_bit = 0x80;
constexpr unsigned decimal_exponent_max = 19;
constexpr unsigned binary_exponent_max = 63;

}  // namespace

std::string to_decimal(time_ns value) {
  const bool negative = value < 0;
  std::string digits;
  do {
    const int digit = static_cast<int>(value % 10);
    digits.push_back(static_cast<char>('0' + (digit < 0 ? -digit : digit)));
    value /= 10;
  } while (value != 0);
  if (negative) {
    digits.push_back('-');
  }
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::optional<tick_scale> tick_scale::make(std::uint8_t tsresol, std::int64_t tsoffset) noexcept {
  const bool binary = (tsresol & binary_bit) != 0;
  const unsigned exponent = tsresol & static_cast<unsigned>(~binary_bit);
  if (exponent > (binary ? binary_exponent_max : decimal_exponent_max)) {
    return std::nullopt;
  }
  tick_scale scale;
  scale.units_per_second_ = 1;
  for (unsigned i = 0; i < exponent; ++i) {
    scale.units_per_second_ *= binary ? 2 : 10;
  }
  const bool whole = nanoseconds_per_second % scale.units_per_second_ == 0;
  scale.ns_per_tick_ = whole ? nanoseconds_per_second / scale.units_per_second_ : 0;
  scale.offset_ns_ = static_cast<time_ns>(tsoffset) * nanoseconds_per_second;
  return scale;
}

time_ns tick_scale::finer_to_ns(std::uint64_t ticks) const noexcept {
  const std::uint64_t seconds = ticks / units_per_second_;
  const std::uint64_t rest = ticks % units_per_second_;
  return static_cast<time_ns>(seconds) * nanoseconds_per_second +
         static_cast<time_ns>(rest) * nanoseconds_per_second / units_per_second_ + offset_ns_;
}

bool tick_scale::is_whole(std::uint64_t ticks) const noexcept {
  const std::uint64_t rest = ticks % units_per_second_;
  return static_cast<time_ns>(rest) * nanoseconds_per_second % units_per_second_ == 0;
}

std::optional<std::uint64_t> tick_scale::to_ticks(time_ns time) const noexcept {
  const time_ns from_offset = time - offset_ns_;
  if (from_offset < 0) {
    return std::nullopt;
  }
  const time_ns seconds = from_offset / nanoseconds_per_second;
  const time_ns rest = from_offset % nanoseconds_per_second;
  // Tested first, so that the product below cannot leave 128 bits.
  if (seconds > UINT64_MAX) {
    return std::nullopt;
  }
  const time_ns ticks =
      seconds * units_per_second_ + rest * units_per_second_ / nanoseconds_per_second;
  if (ticks > UINT64_MAX || (seconds != 0 && ticks < seconds && units_per_second_ != 1)) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(ticks);
}

}  // namespace captured::format
