// SPDX-License-Identifier: MIT
//
// The word that somebody who mistyped probably meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace captured::settings {

/// How many insertions, removals, replacements and swaps of neighbours turn one word into the
/// other, each place touched once (optimal string alignment). Meant for short words.
[[nodiscard]] std::size_t edit_distance(std::string_view one, std::string_view other);

/// The known word that is nearest, if it is near enough: one change for up to four letters, two for
/// more, or three letters or more of its beginning; else an empty text. Upper and lower case are
/// the same.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& known);

/// "; did you mean 'filter'?" for the nearest word, or an empty text.
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string>& known);

}  // namespace captured::settings
