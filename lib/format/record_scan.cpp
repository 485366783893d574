// SPDX-License-Identifier: MIT
#include "format/record_scan.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "format/lpcap_reader.hpp"
#include "format/octet_window.hpp"
#include "format/pcap_codes.hpp"

namespace captured::format {

namespace {

using base::load_little;

bool is_zero(std::span<const std::byte> octets) {
  return std::all_of(octets.begin(), octets.end(),
                     [](std::byte octet) { return octet == std::byte{0}; });
}

}  // namespace

std::optional<record_walker> record_walker::of(std::span<const std::byte> beginning) {
  record_walker made;
  if (beginning.size() >= lpcap_file_header_bytes &&
      load_little<std::uint16_t>(beginning.data()) == lpcap_magic) {
    constexpr std::uint32_t snaplen_max = 1u << 20;
    made.is_lpcap_ = true;
    made.file_header_bytes_ = lpcap_file_header_bytes;
    made.record_header_bytes_ = lpcap_record_header_bytes;
    made.captured_max_ = load_little<std::uint32_t>(beginning.data() + 6);
    return made.captured_max_ <= snaplen_max ? std::optional(made) : std::nullopt;
  }
  if (beginning.size() < pcap_file_header_bytes) {
    return std::nullopt;
  }
  const auto magic = load_little<std::uint32_t>(beginning.data());
  constexpr std::uint32_t version = 2 | 4u << 16;
  constexpr std::uint32_t snaplen_max = 128u << 20;
  made.file_header_bytes_ = pcap_file_header_bytes;
  made.record_header_bytes_ = pcap_record_header_bytes;
  made.units_per_second_ = magic == pcap_magic_ns ? 1'000'000'000 : 1'000'000;
  made.captured_max_ = load_little<std::uint32_t>(beginning.data() + 16);
  const bool known = magic == pcap_magic_ns || magic == pcap_magic_us;
  return known && load_little<std::uint32_t>(beginning.data() + 4) == version &&
                 made.captured_max_ != 0 && made.captured_max_ <= snaplen_max
             ? std::optional(made)
             : std::nullopt;
}

std::optional<std::size_t> record_walker::record_bytes(
    std::span<const std::byte> header) const noexcept {
  if (is_lpcap_) {
    const auto traffic = std::to_integer<unsigned>(header[1]);
    const auto captured = load_little<std::uint32_t>(header.data() + 6);
    const bool known = traffic == 2 || traffic == 4 || traffic == 8;
    const bool whole = known && load_little<std::uint32_t>(header.data() + 2) != 0;
    return whole && captured <= captured_max_
               ? std::optional<std::size_t>(record_header_bytes_ + captured)
               : std::nullopt;
  }
  const auto captured = load_little<std::uint32_t>(header.data() + 8);
  const auto original = load_little<std::uint32_t>(header.data() + 12);
  const bool whole = !is_zero(header.first(record_header_bytes_)) &&
                     load_little<std::uint32_t>(header.data() + 4) < units_per_second_ &&
                     captured <= captured_max_ && original >= captured;
  return whole ? std::optional<std::size_t>(record_header_bytes_ + captured) : std::nullopt;
}

whole_records scan_records(octet_source& from) {
  octet_window window(from);
  whole_records found;
  static_cast<void>(window.require(pcap_file_header_bytes));  // an lpcap file may be shorter
  const auto walker = record_walker::of(window.ahead());
  if (!walker) {
    return found;
  }
  window.skip(walker->file_header_bytes());
  found.octets = window.offset();
  while (window.require(walker->record_header_bytes())) {
    const auto bytes = walker->record_bytes(window.ahead());
    if (!bytes || !window.require(*bytes)) {
      break;
    }
    window.skip(*bytes);
    ++found.packets;
    found.octets = window.offset();
  }
  return found;
}

whole_entries scan_lpcap_entries(octet_source& from, std::uint64_t records) {
  octet_window window(from);
  whole_entries found;
  if (!window.require(sizeof lpcap_sidecar_magic) ||
      load_little<std::uint64_t>(window.ahead().data()) != lpcap_sidecar_magic) {
    return found;
  }
  window.skip(sizeof lpcap_sidecar_magic);
  found.octets = window.offset();
  while (window.require(lpcap_sidecar_entry_bytes)) {
    const auto kind = static_cast<lpcap_sidecar_kind>(window.ahead()[0]);
    const std::size_t payload = load_little<std::uint16_t>(window.ahead().data() + 2);
    const bool is_interface = kind == lpcap_sidecar_kind::interface && payload >= 5;
    const bool is_time = kind == lpcap_sidecar_kind::time && payload == 16;
    const bool is_length = kind == lpcap_sidecar_kind::original_length && payload == 12;
    if (!(is_interface || is_time || is_length) ||
        !window.require(lpcap_sidecar_entry_bytes + payload)) {
      break;
    }
    if (!is_interface) {
      const auto record =
          load_little<std::uint64_t>(window.ahead().data() + lpcap_sidecar_entry_bytes);
      if (record >= records) {
        break;
      }
      found.knows_times |= is_time && record == 0;
    }
    window.skip(lpcap_sidecar_entry_bytes + payload);
    found.octets = window.offset();
  }
  return found;
}

}  // namespace captured::format
