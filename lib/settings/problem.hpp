// SPDX-License-Identifier: MIT
//
// What is wrong with a configuration, and where: a list of these is all that a bad one gives.
#pragma once

#include <string>
#include <vector>

namespace captured::settings {

/// A place in a text, counted from 1; line 0 means the text as a whole.
struct position {
  int line = 0;
  int column = 0;
};

struct problem {
  std::string file;  ///< as the operator named it, or "command line"
  position at;
  std::string text;  ///< what is wrong, without the place

  /// "captured.yaml:12:5: unknown key 'fliter' in interfaces[0]; did you mean 'filter'?"
  [[nodiscard]] std::string message() const;
};

/// Orders problems as their places stand in the file.
void sort_by_place(std::vector<problem>& problems);

/// The text with control characters shown as '?', fit for a terminal.
[[nodiscard]] std::string printable(std::string text);

/// The text in quotes for a message: printable, and cut when it is long.
[[nodiscard]] std::string quoted(const std::string& text);

}  // namespace captured::settings
