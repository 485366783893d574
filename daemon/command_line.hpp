// SPDX-License-Identifier: MIT
//
// The options of `captured`, read with Boost.Program_options. Says what is wrong in one line; what
// the values mean is checked by settings.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "daemon/application.hpp"

namespace captured::daemon {

/// What the command line asks for. Quick mode is the one without a configuration file.
struct command_line {
  enum class act { record, check_configuration, print_configuration, print_help, print_version };

  act what = act::record;
  std::string configuration_file;  ///< empty in quick mode
  std::vector<std::string> interfaces;
  std::string filter;
  std::string directory = ".";
  std::optional<std::uint32_t> snaplen;
  std::optional<std::string> ring_size;
  std::optional<std::string> rotate_size;
  std::optional<std::string> rotate_interval;
  std::optional<std::string> log_level;
  std::optional<std::string> log_format;
  bool promiscuous = true;
  run_options run;
};

/// Fails with words for the operator when an option is unknown, lacks its value or contradicts
/// another.
[[nodiscard]] base::result<command_line> parse_command_line(int count, const char* const* words);

/// The text of --help.
[[nodiscard]] std::string help_text();

}  // namespace captured::daemon
