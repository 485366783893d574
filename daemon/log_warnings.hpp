// SPDX-License-Identifier: MIT
//
// Looks the machine over beside a recording that begins, and logs what will disappoint.
#pragma once

#include "daemon/warnings.hpp"
#include "settings/configuration.hpp"

namespace captured::daemon {

/// Gathers the facts and logs the warnings, on a thread of its own that nobody waits for: a file
/// system that does not answer holds up nothing else. Call when rights were given up.
void log_warnings_apart(const settings::configuration& wanted, occasion when);

}  // namespace captured::daemon
