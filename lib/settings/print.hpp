// SPDX-License-Identifier: MIT
//
// A configuration as commented YAML that parses back to the same one: what --print-config shows,
// and, for `shipped`, what config/captured.yaml is.
#pragma once

#include <string>

#include "settings/configuration.hpp"

namespace captured::settings {

/// Every key with its value, and in the first item of each list one line of why above it.
[[nodiscard]] std::string print(const configuration& settings);

/// The defaults of everything, recording one interface, eth0.
[[nodiscard]] configuration shipped();

}  // namespace captured::settings
