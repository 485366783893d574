// SPDX-License-Identifier: MIT
//
// Reads classic pcap with micro- or nanoseconds, the modified (Kuznetzov) and the IXIA variant, in
// either byte order (pcap-savefile(5), formats, section "Classic pcap"). One section with one
// interface.
#pragma once

#include "format/capture_reader.hpp"

namespace captured::format {

/// More octets than this in one packet are not plausible; libpcap's limits.
[[nodiscard]] std::uint32_t captured_length_max(packet::link_type link) noexcept;

class pcap_reader final : public format_reader {
 public:
  /// The format that detection told from the first octets.
  explicit pcap_reader(capture_format format) noexcept;
  [[nodiscard]] capture_item next(reader_state& state) override;

 private:
  enum class place : std::uint8_t { file_header, interface, records };
  /// Which length comes first: it changed with version 2.3.
  enum class length_order : std::uint8_t { captured_first, original_first, by_size };

  [[nodiscard]] capture_item read_file_header(reader_state& state);
  [[nodiscard]] bool take_version(std::uint16_t major, std::uint16_t minor) noexcept;
  [[nodiscard]] capture_item give_interface(reader_state& state);
  [[nodiscard]] capture_item read_record(reader_state& state);
  void take_record(reader_state& state, const std::byte* record, std::uint32_t captured,
                   std::uint32_t original) const;

  capture_format format_;
  std::uint32_t units_per_second_;
  std::size_t header_bytes_;
  std::size_t record_bytes_;
  byte_order order_ = byte_order::little;
  length_order lengths_ = length_order::captured_first;
  std::uint32_t captured_max_ = 0;
  std::uint32_t snaplen_ = 0;
  std::uint32_t link_field_ = 0;
  place place_ = place::file_header;
};

}  // namespace captured::format
