// SPDX-License-Identifier: MIT
//
// Where log lines go and how they look. spdlog's default logger is the one logger of the process.
#pragma once

#include "settings/configuration.hpp"

namespace captured::daemon {

/// Sets up the default logger, to standard error. Call once, before any thread starts.
void start_logging(const settings::log_settings& options);

/// Writes out what is still held. Other threads may be logging.
void flush_log();

/// Ends logging; no other thread may be logging any more.
void finish_logging();

}  // namespace captured::daemon
