// SPDX-License-Identifier: MIT
#include "capturectl_comments.hpp"

#include <algorithm>

#include <sys/stat.h>

#include "capturectl_input.hpp"

namespace captured::capturectl {

void kept_comments::add(const format::section_header_block& header) {
  constexpr std::size_t texts_max = 64;
  constexpr std::size_t octets_max = std::size_t{64} << 10;
  for (const std::string& each : header.comments) {
    if (texts_.size() < texts_max && octets_ + each.size() <= octets_max &&
        std::find(texts_.begin(), texts_.end(), each) == texts_.end()) {
      texts_.push_back(each);
      octets_ += each.size();
    }
  }
}

void kept_comments::look_into(const std::string& path) {
  struct stat status {};
  if (path == "-" || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return;
  }
  // What is wrong with it is said when it is read.
  const auto input = capture_input::open(path);
  if (input && (*input)->reader().next() == format::capture_item::section) {
    add((*input)->reader().section().header);
  }
}

std::string section_remark(std::uint64_t headers, const kept_comments& kept) {
  return std::to_string(headers) + " section headers with comments or names became one, with " +
         std::to_string(kept.texts().size()) + " of their comments";
}

}  // namespace captured::capturectl
