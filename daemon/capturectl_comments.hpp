// SPDX-License-Identifier: MIT
//
// The comments of section headers, for an output whose one section takes in those of many files.
// Each text once, and bounded; who loses a comment says so by section_remark().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "format/pcapng_blocks.hpp"

namespace captured::capturectl {

class kept_comments {
 public:
  void add(const format::section_header_block& header);
  /// The first header of a regular file; of what can be read only once, nothing.
  void look_into(const std::string& path);

  [[nodiscard]] const std::vector<std::string>& texts() const noexcept { return texts_; }

 private:
  std::vector<std::string> texts_;
  std::size_t octets_ = 0;
};

/// For so many headers that had something to say and are not in the output as they were.
[[nodiscard]] std::string section_remark(std::uint64_t headers, const kept_comments& kept);

}  // namespace captured::capturectl
