// SPDX-License-Identifier: MIT
//
// What is in a capture file, gathered in one pass; how it is shown is for capturectl info.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "format/capture_reader.hpp"

namespace captured::capturectl {

/// So many interfaces and comments are kept of one file; the rest is only counted.
inline constexpr std::size_t listed_max = 10'000;
inline constexpr std::size_t comments_bytes_max = std::size_t{4} << 20;

struct interface_summary {
  std::uint32_t section = 0;
  std::uint32_t id = 0;
  format::interface_description_block description;
  std::optional<format::tick_scale> scale;
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;
  std::uint64_t dropcount_sum = 0;
  std::optional<format::interface_statistics_block> statistics;  ///< the last
};

struct file_summary {
  std::string path;
  std::string format_name = "unknown";
  std::string compression;
  std::uint64_t size = 0;
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;
  std::uint64_t original_octets = 0;
  std::uint64_t steps_back = 0;
  std::uint64_t without_time = 0;
  bool has_time = false;
  bool inferred = false;
  format::time_ns first = 0;
  format::time_ns last = 0;
  format::time_ns earliest = 0;
  format::time_ns latest = 0;
  std::uint64_t sections = 0;
  std::uint64_t interfaces_count = 0;
  std::vector<interface_summary> interfaces;
  std::uint64_t statistics = 0;
  std::uint64_t name_resolution = 0;
  std::uint64_t secrets = 0;
  std::uint64_t custom = 0;
  std::uint64_t other = 0;
  std::uint64_t packet_comments = 0;
  std::vector<std::string> comments;
  format::section_header_block header;  ///< of the first section
  std::optional<std::uint32_t> link_field;
  format::read_counts peculiarities;
  std::optional<std::string> error;
  std::optional<std::uint64_t> error_offset;
};

/// Never fails: what went wrong is in the summary.
[[nodiscard]] file_summary survey(const std::string& path, const format::read_options& options);

}  // namespace captured::capturectl
