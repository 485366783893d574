// SPDX-License-Identifier: MIT
//
// Runs one recording from start to stop: signals, requests on the control socket, what the service
// manager hears, the live line, the time given, the ledger at the end, the exit status.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/spare_sockets.hpp"
#include "daemon/sandbox.hpp"
#include "daemon/warnings.hpp"
#include "settings/configuration.hpp"

namespace captured::daemon {

/// Exit statuses, as captured(8) lists them.
namespace exit_status {
inline constexpr int success = 0;
inline constexpr int trouble = 1;        ///< something required failed, or packets stayed unwritten
inline constexpr int usage = 2;          ///< options or configuration are wrong
inline constexpr int interrupted = 130;  ///< a second SIGINT or SIGTERM ended it at once
}  // namespace exit_status

/// What is asked for beside the configuration.
struct run_options {
  std::optional<std::chrono::milliseconds> duration;  ///< stop by itself after this
  bool live = false;                                  ///< a status line on the terminal each second
  std::string ledger_file;                        ///< JSON of the ledger at the end; empty for none
  daemon::occasion occasion = occasion::service;  ///< what may be warned of
  std::string configuration_file;                 ///< read again by a reload; empty: there is none
  /// Puts what the command line said over a configuration that was read again.
  std::function<void(settings::configuration&)> overrides;
  std::vector<std::string> warnings;               ///< logged when the recording runs
  std::shared_ptr<capture::spare_sockets> spares;  ///< made before rights were given up, or none
  daemon::sandbox sandbox;                         ///< what was entered; its words are logged too
};

/// Records until a signal or the time given ends it; returns the exit status. SIGHUP rotates every
/// output, SIGUSR1 logs the ledger, SIGTERM and SIGINT stop exactly, a second one ends at once.
/// Rights were given up before.
[[nodiscard]] int run(const settings::configuration& wanted, const run_options& options);

}  // namespace captured::daemon
