// SPDX-License-Identifier: MIT
//
// What a configuration asks for and this version does not do. Nothing that was asked for is passed
// over in silence: what would make the recording another than the wanted one is refused.
#pragma once

#include <string>
#include <vector>

#include "settings/configuration.hpp"

namespace captured::daemon {

struct support_report {
  std::vector<std::string> refusals;  ///< one line each; the recording must not begin
  std::vector<std::string> warnings;  ///< one line each; to be said, then passed over
};

[[nodiscard]] support_report check_supported(const settings::configuration& wanted);

}  // namespace captured::daemon
