// SPDX-License-Identifier: MIT
//
// What a configuration asks for and this version does not do. Nothing that was asked for is passed
// over in silence: what would make the recording another than the wanted one is refused.
#pragma once

#include <vector>

#include "settings/configuration.hpp"
#include "settings/problem.hpp"

namespace captured::daemon {

/// Each of these is a reason why the recording must not begin.
[[nodiscard]] std::vector<settings::remark> check_supported(const settings::configuration& wanted);

}  // namespace captured::daemon
