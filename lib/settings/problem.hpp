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

  friend bool operator==(const position&, const position&) = default;
};

struct problem {
  std::string file;  ///< as the operator named it, or "command line"
  position at;
  std::string text;  ///< what is wrong, without the place

  /// "captured.yaml:12:5: unknown key 'fliter' in interfaces[0]; did you mean 'filter'?"
  [[nodiscard]] std::string message() const;
  /// The same for what is no error: "captured.yaml:12:5: warning: …".
  [[nodiscard]] std::string warning() const;
};

/// A word about one value of a configuration that was read without problems. What it says names the
/// thing itself; the path only leads to its place.
struct remark {
  std::string path;  ///< "interfaces[1].ring.size"; empty for the whole
  std::string text;

  friend bool operator==(const remark&, const remark&) = default;
};

/// Orders problems as their places stand in the file.
void sort_by_place(std::vector<problem>& problems);

/// The text with control characters shown as '?', fit for a terminal.
[[nodiscard]] std::string printable(std::string text);

/// The text in quotes for a message: printable, and cut when it is long.
[[nodiscard]] std::string quoted(const std::string& text);

}  // namespace captured::settings
