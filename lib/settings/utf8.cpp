// SPDX-License-Identifier: MIT
#include "settings/utf8.hpp"

namespace captured::settings {

std::size_t utf8_length(std::string_view text) {
  const auto octet = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = octet(0);
  const unsigned second = octet(1);
  if (first < 0x80) {
    return 1;
  }
  std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const bool impossible = first < 0xc2 || first > 0xf4 || (first == 0xe0 && second < 0xa0) ||
                          (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
                          (first == 0xf4 && second > 0x8f);
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  return impossible ? 0 : length;
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const auto length = utf8_length(text);
    valid += length == 0 ? "\xef\xbf\xbd" : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return valid;
}

}  // namespace captured::settings
