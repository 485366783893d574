// SPDX-License-Identifier: MIT
//
// Subcommands that are in a program of their own, capturectl-stream: the libraries of gRPC take
// longer to load than most of the others run. It lies beside capturectl or, installed, in
// ../libexec/captured.
#pragma once

#include <string>
#include <vector>

namespace captured::capturectl {

/// Becomes that program; returns, with an exit status, only when it cannot be run.
int run_elsewhere(const std::string& name, const std::vector<std::string>& arguments);

}  // namespace captured::capturectl
