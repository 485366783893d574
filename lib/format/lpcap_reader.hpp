// SPDX-License-Identifier: MIT
//
// Reads lpcap, always little endian, with its time sidecar where there is one (formats, section
// "lpcap"). The file alone has the time only modulo 2^32 ns: without a sidecar it is inferred, and
// packets say so. One section, one interface for each index in use.
#pragma once

#include <array>

#include "format/capture_reader.hpp"
#include "format/lpcap_record.hpp"

namespace captured::format {

/// The entries of a sidecar, one after the other.
class lpcap_sidecar {
 public:
  struct entry {
    lpcap_sidecar_kind kind = lpcap_sidecar_kind::time;
    std::uint64_t record = 0;    ///< time, original length: from 0
    std::uint64_t time = 0;      ///< nanoseconds since 1970
    std::uint32_t length = 0;    ///< original length
    std::uint8_t index = 0;      ///< interface
    std::uint32_t if_index = 0;  ///< interface: the kernel's
    std::string name;            ///< interface
  };

  explicit lpcap_sidecar(octet_source& source) : window_(source) {}
  /// Fills `found` and steps over it; false at the end. Unknown kinds are skipped.
  [[nodiscard]] base::result<bool> next(entry& found);

 private:
  octet_window window_;
  bool begun_ = false;
};

class lpcap_reader final : public format_reader {
 public:
  [[nodiscard]] capture_item next(reader_state& state) override;

 private:
  enum class place : std::uint8_t { file_header, records };
  static constexpr std::uint16_t no_interface = 0xFFFF;

  [[nodiscard]] capture_item read_file_header(reader_state& state);
  [[nodiscard]] capture_item read_record(reader_state& state);
  [[nodiscard]] bool take_sidecar(reader_state& state);
  [[nodiscard]] time_ns time_of(reader_state& state, std::uint32_t stored);
  [[nodiscard]] time_ns anchor(reader_state& state, std::uint32_t stored) const;
  void add_interface(reader_state& state, std::uint8_t index);

  place place_ = place::file_header;
  packet::link_type link_ = packet::link_type::ethernet;
  std::uint32_t snaplen_ = 0;
  std::array<std::uint16_t, 256> interface_of_{};  ///< by index: our id, or no_interface
  std::uint64_t record_ = 0;

  std::optional<lpcap_sidecar> sidecar_;
  std::optional<lpcap_sidecar::entry> entry_;  ///< read from the sidecar, of a later record
  std::array<std::string, 256> names_;
  std::uint64_t upper_ = 0;                ///< upper half of the latest entry
  std::optional<std::uint64_t> own_time_;  ///< of this record
  std::optional<std::uint32_t> own_length_;
  bool timed_ = false;  ///< the sidecar gave a time for the first record

  std::optional<std::uint32_t> last_stored_;
  time_ns unwrapped_ = 0;  ///< of the last record, without a sidecar
};

}  // namespace captured::format
