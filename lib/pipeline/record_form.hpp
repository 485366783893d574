// SPDX-License-Identifier: MIT
//
// What the packets of an output become where its files are pcap or lpcap: a head, and one record
// for each packet. Such files say nothing of interfaces, filters and losses; lpcap has a sidecar
// for what it cannot hold of the packets. No file, no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "format/lpcap_record.hpp"
#include "format/pcap_record.hpp"
#include "format/record_scan.hpp"
#include "packet/link_type.hpp"
#include "pipeline/block_encoder.hpp"
#include "pipeline/options.hpp"

namespace captured::pipeline {

/// Can files of the format hold packets of that type? All but lpcap can hold any.
[[nodiscard]] bool holds_link_type(file_format format, packet::link_type link) noexcept;

/// Whose packets are encoded.
struct record_source {
  std::size_t number = 0;  ///< of the output's interfaces
  std::string_view name;
  std::uint32_t kernel_index = 0;  ///< 0 where it is not known
  std::uint32_t snaplen = 0;       ///< packets are cut there, if not before
};

/// The records of the file that is being written; one thread at a time.
class record_form {
 public:
  /// Not for pcapng, whose files are made of blocks.
  explicit record_form(file_format format) noexcept : format_(format) {}

  /// A new file of packets of this type: appends its head, and that of its sidecar.
  void begin_file(packet::link_type link, std::vector<std::byte>& out,
                  std::vector<std::byte>& sidecar);

  /// As block_in_work::encode. What the sidecar has to say of these packets is appended to it; it
  /// must be written before they are.
  [[nodiscard]] encode_progress encode(block_in_work& block, std::span<std::byte> room,
                                       const record_source& from, std::uint64_t packets_max,
                                       std::uint64_t& newest_ns, std::vector<std::byte>& sidecar);

  /// Where the records of the file that was begun last end.
  [[nodiscard]] const format::record_walker& walker() const noexcept { return *walker_; }

 private:
  file_format format_;
  std::uint32_t captured_max_ = 0;
  std::optional<format::lpcap_records> lpcap_;
  std::optional<format::record_walker> walker_;
};

}  // namespace captured::pipeline
