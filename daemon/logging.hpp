// SPDX-License-Identifier: MIT
//
// Where log lines go and how they look. spdlog's default logger is the one logger of the process.
#pragma once

#include <string>

namespace captured::daemon {

struct log_options {
  std::string level = "info";   ///< trace, debug, info, warning, error, critical
  std::string format = "text";  ///< text or json, one object a line
};

/// Sets up the default logger, to standard error. Call once, before any thread starts.
void start_logging(const log_options& options);

/// Writes out what is still held; before the process ends.
void finish_logging();

}  // namespace captured::daemon
