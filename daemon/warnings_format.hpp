// SPDX-License-Identifier: MIT
//
// What an operator should know of an output whose format keeps less than pcapng does.
#pragma once

#include <string>

#include "pipeline/options.hpp"

namespace captured::daemon {

/// What its files do not keep, and how they come apart, in one sentence or two; empty for pcapng.
[[nodiscard]] std::string format_remark(const pipeline::output_options& output);

}  // namespace captured::daemon
