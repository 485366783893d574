// SPDX-License-Identifier: MIT
//
// Which capture format is it? Told from the first octets, never from the name (formats, section
// "Telling the formats apart"). Also knows what is not read here, so that it can be named.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace captured::format {

enum class capture_format : std::uint8_t {
  pcap_us,
  pcap_ns,
  pcap_modified,  ///< Kuznetzov's patches: a longer record header
  ixia_us,        ///< IXIA lcap: a longer file header
  ixia_ns,
  pcapng,
  snoop,
  lpcap,
  // Around any of the others.
  gzip,
  zstd,
  lz4,
  // Known by name, not read.
  navtel,
  mesquita,
  netsniff_ng,
  filter_savefile,
  text_damaged,  ///< line ends were "corrected" in a pcapng file
  utf8_damaged,  ///< the octets were taken for letters and written in another encoding
  empty,
  unknown,
};

/// So many octets suffice to tell; fewer are taken for the whole file.
inline constexpr std::size_t detection_bytes = 16;

[[nodiscard]] capture_format detect_format(std::span<const std::byte> begin) noexcept;

/// "pcap", "pcap-ns", "pcapng", …: what reports and options call it.
[[nodiscard]] std::string_view name_of(capture_format format) noexcept;

[[nodiscard]] bool is_compression(capture_format format) noexcept;

/// Why a format cannot be read: one clause for an operator. Empty for those that can.
[[nodiscard]] std::string_view why_not_read(capture_format format) noexcept;

}  // namespace captured::format
