// SPDX-License-Identifier: MIT
#include "settings/problem.hpp"

#include <algorithm>
#include <utility>

namespace captured::settings {

namespace {

constexpr std::size_t quoted_bytes_max = 60;

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::string place_of(const problem& each) {
  std::string place = each.file + ":";
  if (each.at.line > 0) {
    place += std::to_string(each.at.line) + ":" + std::to_string(each.at.column) + ":";
  }
  return place + " ";
}

}  // namespace

std::string problem::message() const {
  return place_of(*this) + text;
}

std::string problem::warning() const {
  return place_of(*this) + "warning: " + text;
}

void sort_by_place(std::vector<problem>& problems) {
  std::ranges::stable_sort(
      problems, {}, [](const problem& each) { return std::pair(each.at.line, each.at.column); });
}

std::string printable(std::string text) {
  for (char& c : text) {
    const auto octet = static_cast<unsigned char>(c);
    c = octet < 0x20 || octet == 0x7f ? '?' : c;
  }
  return text;
}

std::string quoted(const std::string& text) {
  std::size_t length = text.size();
  if (length > quoted_bytes_max) {
    length = quoted_bytes_max;
    while (length > 0 && is_continuation(text[length])) {
      --length;  // not in the middle of a UTF-8 character
    }
  }
  return "'" + printable(text.substr(0, length)) + (length < text.size() ? "…'" : "'");
}

}  // namespace captured::settings
