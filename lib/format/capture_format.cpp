// SPDX-License-Identifier: MIT
#include "format/capture_format.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.hpp"

namespace captured::format {
namespace {

using base::load_big;
using base::load_little;

struct magic_number {
  std::uint32_t value;
  capture_format format;
};

/// Each in either byte order.
constexpr std::array<magic_number, 9> magic_numbers{{
    {0xa1b2c3d4, capture_format::pcap_us},
    {0xa1b23c4d, capture_format::pcap_ns},
    {0xa1b2cd34, capture_format::pcap_modified},
    {0x1c0001ab, capture_format::ixia_us},
    {0x1c0001ac, capture_format::ixia_ns},
    {0xa12b3c4d, capture_format::navtel},
    {0xa1b234cd, capture_format::mesquita},
    {0xa1e2cb12, capture_format::netsniff_ng},
    {0xa1b2c3cb, capture_format::filter_savefile},
}};

/// The block type of a section header after its line ends were changed: the numbers that the
/// pcapng draft reserves for this, in either byte order.
bool is_damaged_type(std::uint32_t big) noexcept {
  const std::uint32_t first = big >> 8;
  const std::uint32_t last = big & 0xFFFFFF;
  return first == 0x0A0D0A || first == 0x0D0D0A || last == 0x0A0D0A || last == 0x0A0D0D;
}

/// Line ends only, then the length, then the byte-order magic, but not where it belongs.
bool is_shifted_section(std::span<const std::byte> begin) noexcept {
  const auto is_line_end = [](std::byte octet) {
    return octet == std::byte{'\r'} || octet == std::byte{'\n'};
  };
  constexpr std::size_t least = 2;
  if (begin.size() < least || !std::all_of(begin.begin(), begin.begin() + least, is_line_end)) {
    return false;
  }
  for (std::size_t at = least; at + 4 <= begin.size(); ++at) {
    const auto magic = load_big<std::uint32_t>(begin.data() + at);
    if (magic == 0x1A2B3C4D || magic == 0x4D3C2B1A) {
      return true;
    }
  }
  return false;
}

/// A replacement character, or the magic of pcap as letters of Latin-1 written in UTF-8.
bool is_utf8_damage(std::span<const std::byte> begin) noexcept {
  constexpr std::array<unsigned char, 4> little_magic{0xc3, 0x94, 0xc3, 0x83};
  constexpr std::array<unsigned char, 4> big_magic{0xc2, 0xa1, 0xc2, 0xb2};
  constexpr std::array<unsigned char, 3> replacement{0xef, 0xbf, 0xbd};
  const auto begins_with = [&](const auto& octets) {
    return begin.size() >= octets.size() &&
           std::equal(octets.begin(), octets.end(), begin.begin(),
                      [](unsigned char left, std::byte right) { return std::byte{left} == right; });
  };
  return begins_with(little_magic) || begins_with(big_magic) || begins_with(replacement);
}

/// Two octets say little, so that the rest of the header must make sense as well.
bool is_lpcap(std::span<const std::byte> begin) noexcept {
  constexpr std::size_t header_bytes = 14;
  if (begin.size() < 2 || load_little<std::uint16_t>(begin.data()) != 0x4F3E) {
    return false;
  }
  if (begin.size() < header_bytes) {
    return true;  // of what is there nothing contradicts
  }
  const auto link = load_little<std::uint32_t>(begin.data() + 10);
  return load_little<std::uint16_t>(begin.data() + 2) == 1 &&
         load_little<std::uint32_t>(begin.data() + 6) != 0 &&
         (link == 0 || link == 4 || link == 8 || link == 16);
}

}  // namespace

capture_format detect_format(std::span<const std::byte> begin) noexcept {
  if (begin.empty()) {
    return capture_format::empty;
  }
  if (begin.size() >= 2 && load_big<std::uint16_t>(begin.data()) == 0x1F8B) {
    return capture_format::gzip;
  }
  if (begin.size() >= 4) {
    const auto big = load_big<std::uint32_t>(begin.data());
    const auto little = load_little<std::uint32_t>(begin.data());
    for (const magic_number& each : magic_numbers) {
      if (big == each.value || little == each.value) {
        return each.format;
      }
    }
    if (big == 0x0A0D0D0A) {
      return capture_format::pcapng;
    }
    // Frames that may be skipped come before, or instead of, those of zstd and lz4.
    if (little == 0xFD2FB528 || (little & 0xFFFFFFF0) == 0x184D2A50) {
      return capture_format::zstd;
    }
    if (little == 0x184D2204 || little == 0x184C2102) {
      return capture_format::lz4;
    }
    if (big == 0x736E6F6F) {  // "snoo"; the reader tests the rest
      return capture_format::snoop;
    }
    if (is_damaged_type(big) || is_shifted_section(begin)) {
      return capture_format::text_damaged;
    }
  }
  if (is_lpcap(begin)) {
    return capture_format::lpcap;
  }
  return is_utf8_damage(begin) ? capture_format::utf8_damaged : capture_format::unknown;
}

std::string_view name_of(capture_format format) noexcept {
  constexpr std::array<std::string_view, 19> names{
      "pcap",   "pcap-ns", "pcap-modified", "ixia",    "ixia-ns", "pcapng",   "snoop",
      "lpcap",  "gzip",    "zstd",          "lz4",     "navtel",  "mesquita", "netsniff-ng",
      "filter", "unknown", "unknown",       "unknown", "unknown"};
  return names[static_cast<std::size_t>(format)];
}

bool is_compression(capture_format format) noexcept {
  return format == capture_format::gzip || format == capture_format::zstd ||
         format == capture_format::lz4;
}

std::string_view why_not_read(capture_format format) noexcept {
  switch (format) {
    case capture_format::navtel:
      return "it is of Navtel's variant of pcap, which is not read here";
    case capture_format::mesquita:
      return "it is of F. Mesquita's variant of pcap, which is not read here";
    case capture_format::netsniff_ng:
      return "it is of netsniff-ng's own variant of pcap; its option -T 0xa1b2c3d4 writes pcap";
    case capture_format::filter_savefile:
      return "it holds a compiled filter, not packets";
    case capture_format::text_damaged:
      return "it was a pcapng file until a transfer in text mode changed its line ends; transfer "
             "it "
             "again in binary mode";
    case capture_format::utf8_damaged:
      return "its octets were taken for text and written in another encoding";
    case capture_format::empty:
      return "it is empty";
    case capture_format::unknown:
      return "no capture format begins like this";
    default:
      return {};
  }
}

}  // namespace captured::format
