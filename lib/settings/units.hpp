// SPDX-License-Identifier: MIT
//
// Sizes and durations as an operator writes them: "64MiB", "5min". Whole numbers only; what would
// run over is refused.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace captured::settings {

/// The largest size and number that is taken: what fits a file's length.
inline constexpr std::uint64_t number_max = 0x7fffffffffffffff;

/// Digits only, no sign, no blanks.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

/// A number with KiB, MiB, GiB, TiB, kB, MB or GB directly behind it, or a plain number of octets.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

/// A number with ms, s, min, h or d directly behind it, or 0. At most 100 years.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// What a text that is no size was probably meant to be: "64MiB" for "64 mib" or "64M"; or empty.
[[nodiscard]] std::string size_meant(std::string_view text);

/// The same for durations: "5min" for "5m", "10s" for "10".
[[nodiscard]] std::string duration_meant(std::string_view text);

/// The text, with the unit that needs the smallest number, that parse_size reads as this size.
[[nodiscard]] std::string size_text(std::uint64_t bytes);

/// The same for durations, which are not negative.
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);

}  // namespace captured::settings
