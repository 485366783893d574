// SPDX-License-Identifier: MIT
//
// What must hold between the parts of a configuration; what holds for single values is checked as
// they are read. Knows no file and no place in one.
#pragma once

#include <string>
#include <vector>

#include "settings/configuration.hpp"

namespace captured::settings {

/// One contradiction and the value it is blamed on.
struct contradiction {
  std::string path;  ///< "interfaces[1].output"
  std::string text;
  std::string other_path = {};  ///< the value it contradicts, where that is another one
};

/// All contradictions of a configuration. An interface without a name was wrong already and is
/// passed over.

[[nodiscard]] std::vector<contradiction> check(const configuration& settings);

}  // namespace captured::settings
