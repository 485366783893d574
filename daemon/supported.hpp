// SPDX-License-Identifier: MIT
//
// What a configuration asks for and this version does not do. Nothing that was asked for is passed
// over in silence: what would make the recording another than the wanted one is refused.
#pragma once

#include <vector>

#include "settings/configuration.hpp"
#include "settings/problem.hpp"

namespace captured::daemon {

struct support_report {
  std::vector<settings::remark> refusals;  ///< the recording must not begin
  std::vector<settings::remark> warnings;  ///< to be said, then passed over
};

[[nodiscard]] support_report check_supported(const settings::configuration& wanted);

}  // namespace captured::daemon
