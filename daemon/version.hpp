// SPDX-License-Identifier: MIT
//
// What this program is made of, for --version and reports of trouble.
#pragma once

#include <string>

namespace captured::daemon {

/// "captured 1.2.3", then a line for each library: the version that it was built with, and of the
/// one that compiles filters the version that is there now.
[[nodiscard]] std::string version_text();

}  // namespace captured::daemon
