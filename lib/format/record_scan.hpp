// SPDX-License-Identifier: MIT
//
// How much of a pcap or lpcap file of our own writing is whole: for repair of what was left open,
// and for the ledger of a write that was cut short. Strict, as our encoders are; files of others
// are for the readers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "format/octet_source.hpp"

namespace captured::format {

/// Knows where the records of one file end.
class record_walker {
 public:
  /// By the first octets of the file: little-endian pcap 2.4 or lpcap with a usable link type;
  /// nothing for anything else.
  [[nodiscard]] static std::optional<record_walker> of(std::span<const std::byte> beginning);

  [[nodiscard]] std::size_t file_header_bytes() const noexcept { return file_header_bytes_; }
  [[nodiscard]] std::size_t record_header_bytes() const noexcept { return record_header_bytes_; }
  /// Octets of the record with this header (record_header_bytes long), itself included. Nothing for
  /// what no encoder of ours writes: zeros, which stand where nothing was written yet, a length
  /// beyond the file's limit, a fraction of more than a second.
  [[nodiscard]] std::optional<std::size_t> record_bytes(
      std::span<const std::byte> header) const noexcept;
  /// Captured octets of such a record.
  [[nodiscard]] std::size_t captured_bytes(std::size_t record_bytes) const noexcept {
    return record_bytes - record_header_bytes_;
  }
  [[nodiscard]] bool is_lpcap() const noexcept { return is_lpcap_; }

 private:
  std::size_t file_header_bytes_ = 0;
  std::size_t record_header_bytes_ = 0;
  std::uint32_t captured_max_ = 0;
  std::uint32_t units_per_second_ = 0;
  bool is_lpcap_ = false;
};

/// The whole records at the beginning of a file.
struct whole_records {
  std::uint64_t octets = 0;   ///< up to the end of the last one; 0 when it is no file of ours
  std::uint64_t packets = 0;  ///< how many
};

/// Ends at the first record that is not whole, or where the source fails.
[[nodiscard]] whole_records scan_records(octet_source& from);

/// The part of an lpcap sidecar that belongs to the first `records` records.
struct whole_entries {
  std::uint64_t octets = 0;  ///< up to the end of the last whole entry about them
  bool knows_times = false;  ///< it has the time of the first record, on which all others stand
};
[[nodiscard]] whole_entries scan_lpcap_entries(octet_source& from, std::uint64_t records);

}  // namespace captured::format
