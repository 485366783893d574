// SPDX-License-Identifier: MIT
#include "settings/units.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace captured::settings {

namespace {

struct unit {
  std::string_view name;
  std::uint64_t value;
};

constexpr auto size_units = std::to_array<unit>({
    {"TiB", std::uint64_t{1} << 40},
    {"GiB", std::uint64_t{1} << 30},
    {"GB", 1'000'000'000},
    {"MiB", std::uint64_t{1} << 20},
    {"MB", 1'000'000},
    {"KiB", std::uint64_t{1} << 10},
    {"kB", 1'000},
    {"", 1},
});

constexpr auto duration_units = std::to_array<unit>({
    {"d", 86'400'000},
    {"h", 3'600'000},
    {"min", 60'000},
    {"s", 1'000},
    {"ms", 1},
});

/// How people write units, in small letters, and how they are written here.
struct usual_unit {
  std::string_view usual;
  std::string_view ours;
};

constexpr auto usual_size_units = std::to_array<usual_unit>({
    {"b", ""},
    {"bytes", ""},
    {"k", "KiB"},
    {"ki", "KiB"},
    {"kib", "KiB"},
    {"kb", "kB"},
    {"m", "MiB"},
    {"mi", "MiB"},
    {"mib", "MiB"},
    {"mb", "MB"},
    {"g", "GiB"},
    {"gi", "GiB"},
    {"gib", "GiB"},
    {"gb", "GB"},
    {"t", "TiB"},
    {"ti", "TiB"},
    {"tib", "TiB"},
    {"tb", "TiB"},
});

constexpr auto usual_duration_units = std::to_array<usual_unit>({
    {"", "s"},        {"s", "s"},        {"sec", "s"},       {"secs", "s"}, {"second", "s"},
    {"seconds", "s"}, {"ms", "ms"},      {"msec", "ms"},     {"m", "min"},  {"min", "min"},
    {"mins", "min"},  {"minute", "min"}, {"minutes", "min"}, {"h", "h"},    {"hr", "h"},
    {"hour", "h"},    {"hours", "h"},    {"d", "d"},         {"day", "d"},  {"days", "d"},
});

constexpr std::uint64_t duration_max_ms = 36'525 * std::uint64_t{86'400'000};

std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const unit> units,
                                             std::uint64_t max) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_number(text.substr(0, digits));
  const auto found = std::ranges::find(units, text.substr(digits), &unit::name);
  if (!number || found == units.end() || *number > max / found->value) {
    return std::nullopt;
  }
  return *number * found->value;
}

std::string meant_with(std::string_view text, std::span<const usual_unit> units) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string unit;
  for (const char c : text.substr(digits)) {
    if (c != ' ') {
      unit += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  const auto found = std::ranges::find(units, unit, &usual_unit::usual);
  return digits == 0 || found == units.end()
             ? std::string()
             : std::string(text.substr(0, digits)) + std::string(found->ours);
}

std::string text_with_unit(std::uint64_t value, std::span<const unit> units) {
  if (value == 0) {
    return "0";
  }
  // Units stand from large to small, the last is 1.
  const auto largest =
      std::ranges::find_if(units, [value](const unit& each) { return value % each.value == 0; });
  return std::to_string(value / largest->value) + std::string(largest->name);
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  const bool digits_only =
      !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!digits_only || read.ec != std::errc{} || number > number_max) {
    return std::nullopt;
  }
  return number;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_with_unit(text, size_units, number_max);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto milliseconds =
      text == "0" ? 0 : parse_with_unit(text, duration_units, duration_max_ms);
  if (!milliseconds) {
    return std::nullopt;
  }
  return std::chrono::milliseconds(*milliseconds);
}

std::string size_meant(std::string_view text) {
  const auto meant = meant_with(text, usual_size_units);
  return parse_size(meant) ? meant : std::string();
}

std::string duration_meant(std::string_view text) {
  const auto meant = meant_with(text, usual_duration_units);
  return parse_duration(meant) ? meant : std::string();
}

std::string size_text(std::uint64_t bytes) {
  return text_with_unit(bytes, size_units);
}

std::string duration_text(std::chrono::milliseconds duration) {
  return text_with_unit(static_cast<std::uint64_t>(duration.count()), duration_units);
}

}  // namespace captured::settings
