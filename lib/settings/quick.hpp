// SPDX-License-Identifier: MIT
//
// A recording without a configuration file: what the command line gives, made into a configuration
// that is checked like one from a file.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "settings/parse.hpp"

namespace captured::settings {

/// Texts as the operator typed them.
struct quick_request {
  std::vector<std::string> interfaces;  ///< -i, each once
  std::string filter;                   ///< -f, for all of them
  std::string directory = ".";          ///< -d
  std::string snaplen;                  ///< -s, for all of them; empty: the default, as below
  std::string ring_size;                ///< --ring-size, for each of them
  std::string rotate_size;              ///< --rotate-size
  std::string rotate_interval;          ///< --rotate-interval
  std::string user;                     ///< become this user, when started as root
  bool promiscuous = true;              ///< false: -p
  std::string duration;                 ///< --duration: with a unit, or seconds; empty: no end
};

struct quick_recording {
  outcome result;
  std::optional<std::chrono::milliseconds> run_for;  ///< stop after this time
};

/// How long to record: a number of seconds, or one with a unit; nothing when it is neither, or 0.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_run_time(const std::string& text);

/// Problems are those of the file "command line" and name the option. Nothing that lies in the
/// directory is ever removed: retention is off. There is no control socket: several such recordings
/// may run beside each other and beside the service.
[[nodiscard]] quick_recording quick(const quick_request& request);

}  // namespace captured::settings
