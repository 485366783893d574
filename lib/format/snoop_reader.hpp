// SPDX-License-Identifier: MIT
//
// Reads snoop version 2 (RFC 1761; formats, section "snoop"). One section with one interface.
#pragma once

#include "format/capture_reader.hpp"

namespace captured::format {

class snoop_reader final : public format_reader {
 public:
  [[nodiscard]] capture_item next(reader_state& state) override;

 private:
  enum class place : std::uint8_t { file_header, interface, records };

  [[nodiscard]] capture_item read_file_header(reader_state& state);
  [[nodiscard]] capture_item read_record(reader_state& state);
  void take_record(reader_state& state, std::uint32_t original, std::uint32_t captured,
                   std::uint32_t total);

  place place_ = place::file_header;
  packet::link_type link_ = packet::link_type::ethernet;
  std::uint32_t drops_ = 0;  ///< cumulative, as the last record had it
};

}  // namespace captured::format
