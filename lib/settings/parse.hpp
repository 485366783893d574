// SPDX-License-Identifier: MIT
//
// From YAML text to a configuration, strictly: whatever is unknown, of the wrong type, impossible
// or contradictory is a problem with file, line and column, and all of them are listed. Filters
// are not compiled here, and nothing is looked up on the system.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings/configuration.hpp"
#include "settings/problem.hpp"
#include "settings/yaml_tree.hpp"

namespace captured::settings {

/// Either a configuration, or what is wrong with it, in the order of the file.
struct outcome {
  std::optional<configuration> settings;
  std::vector<problem> problems;
  std::string file = {};                 ///< as the operator named it, or "command line"
  std::optional<yaml_node> source = {};  ///< where the values stood, if a file gave them
  /// Beside problems: what could be read, for further problems to be found in it; nothing else.
  std::optional<configuration> attempt = {};
};

/// A remark about a configuration that was read, with the place of the value, or of the innermost
/// thing around it that the file names.
[[nodiscard]] problem placed(const outcome& read, const remark& about);

/// Reads a text; `file` is what problems call it.
[[nodiscard]] outcome parse(std::string_view text, const std::string& file);

/// Reads a file (or pipe); one that cannot be read is a problem without a line.
[[nodiscard]] outcome load(const std::string& path);

}  // namespace captured::settings
