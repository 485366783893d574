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

namespace captured::settings {

/// Either a configuration, or what is wrong with it, in the order of the file.
struct outcome {
  std::optional<configuration> settings;
  std::vector<problem> problems;
};

/// Reads a text; `file` is what problems call it.
[[nodiscard]] outcome parse(std::string_view text, const std::string& file);

/// Reads a file (or pipe); one that cannot be read is a problem without a line.
[[nodiscard]] outcome load(const std::string& path);

}  // namespace captured::settings
