// SPDX-License-Identifier: MIT
//
// The options of `captured`, read with Boost.Program_options. Says what is wrong in one line; what
// the values mean is checked by settings.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "settings/quick.hpp"

namespace captured::daemon {

/// What the command line asks for. Quick mode is the one without a configuration file.
struct command_line {
  enum class act { record, check_configuration, print_configuration, print_help, print_version };

  act what = act::record;
  std::string configuration_file;  ///< empty in quick mode
  settings::quick_request
      quick;  ///< what quick mode records; `duration` and `user` hold with a file too
  std::optional<settings::log_level> log_level;
  std::optional<settings::log_format> log_format;
  bool live = false;        ///< a status line on the terminal each second
  std::string ledger_file;  ///< JSON of the ledger at the end; empty for none
};

/// Fails with words for the operator when an option is unknown, lacks its value or contradicts
/// another.
[[nodiscard]] base::result<command_line> parse_command_line(int count, const char* const* words);

/// The text of --help.
[[nodiscard]] std::string help_text();

}  // namespace captured::daemon
