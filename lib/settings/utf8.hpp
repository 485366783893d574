// SPDX-License-Identifier: MIT
//
// Whether octets are text: UTF-8 as RFC 3629 has it, without surrogates and overlong forms.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace captured::settings {

/// Octets of the UTF-8 character at the start of the text, 0 when there is none; 1 for no text.
[[nodiscard]] std::size_t utf8_length(std::string_view text);

/// The text with each octet that belongs to no character replaced by U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view text);

}  // namespace captured::settings
