// SPDX-License-Identifier: MIT
//
// The subcommands of capturectl, one source file each. Each gets its own arguments, without the
// program's name and its own, speaks on standard output and error, and returns the exit status.
#pragma once

#include <string>
#include <vector>

namespace captured::capturectl {

inline constexpr int exit_well = 0;
inline constexpr int exit_trouble = 1;  ///< the command did its work and found something wrong
inline constexpr int exit_usage = 2;

/// Are files whole, and is nothing missing between them?
int verify(const std::vector<std::string>& arguments);

}  // namespace captured::capturectl
