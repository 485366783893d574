// SPDX-License-Identifier: MIT
//
// What capturectl convert is asked to do, checked as far as it can be before a file is opened.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "capturectl_output.hpp"
#include "format/capture_reader.hpp"

namespace captured::capturectl {

struct convert_options {
  std::vector<std::string> paths;
  output_options output;
  std::string filter;
  std::string from_text;
  std::string to_text;
  std::optional<format::time_ns> from;  ///< first time taken
  std::optional<format::time_ns> to;    ///< first time no longer taken
  std::vector<std::string> interfaces;
  std::uint32_t snaplen = 0;
  std::string cooked;
  std::string lpcap_first;
  std::uint32_t lpcap_link = 147;
  bool split = false;
  bool json = false;
  bool quiet = false;
  format::read_options reading;
};

/// Fills `options`; gives an exit status when there is nothing more to do.
[[nodiscard]] std::optional<int> parse_convert_options(const std::vector<std::string>& arguments,
                                                       convert_options& options);

}  // namespace captured::capturectl
