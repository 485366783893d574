// SPDX-License-Identifier: MIT
//
// What the command lines of the traffic tools have in common: lists of numbers, frame sizes,
// addresses. Bad text is thrown as program_options' own validation error, which names it.
#pragma once

#include <charconv>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <boost/program_options.hpp>

#include "support/frame_builder.hpp"

namespace captured::traffic {

[[noreturn]] inline void refuse(std::string_view text, std::string_view wanted) {
  throw boost::program_options::error("'" + std::string(text) + "' is not " + std::string(wanted));
}

inline std::uint64_t parse_number(std::string_view text, std::uint64_t max, int base = 10) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) {
    refuse(text, "a number up to " + std::to_string(max));
  }
  return value;
}

inline std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    parts.push_back(part);
  }
  return parts;
}

/// "5001,5002"
inline std::vector<std::uint16_t> parse_ports(const std::string& text) {
  std::vector<std::uint16_t> ports;
  for (const std::string& part : split(text, ',')) {
    ports.push_back(static_cast<std::uint16_t>(parse_number(part, 65535)));
  }
  return ports;
}

/// "64", "64,512" (in turn), or "mix": seven of 64, four of 512, one of 1500, as one finds them
/// on the Internet.
inline std::vector<std::uint16_t> parse_sizes(const std::string& text, std::uint16_t max) {
  if (text == "mix") {
    return {64, 512, 64, 512, 64, 1500, 64, 512, 64, 512, 64, 64};
  }
  std::vector<std::uint16_t> sizes;
  for (const std::string& part : split(text, ',')) {
    sizes.push_back(static_cast<std::uint16_t>(parse_number(part, max)));
  }
  return sizes;
}

/// "02:00:00:00:00:01"
inline mac_address parse_mac(const std::string& text) {
  const auto parts = split(text, ':');
  if (parts.size() != 6) {
    refuse(text, "a MAC address");
  }
  mac_address mac{};
  for (std::size_t i = 0; i < mac.size(); ++i) {
    mac[i] = static_cast<std::uint8_t>(parse_number(parts[i], 255, 16));
  }
  return mac;
}

}  // namespace captured::traffic
