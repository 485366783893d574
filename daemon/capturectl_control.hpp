// SPDX-License-Identifier: MIT
//
// How a subcommand asks the running service: the options that all such have, and the question.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "capturectl_arguments.hpp"
#include "daemon/control_client.hpp"

namespace captured::capturectl {

/// Either an answer, or the exit status that ends the subcommand; why was said.
struct control_dialogue {
  std::optional<int> status;
  std::optional<daemon::control_answer> answer;
  bool as_json = false;
};

/// Parses `--socket` and `--json` (`json_help` explains the latter) and asks for what the
/// subcommand is called.
[[nodiscard]] control_dialogue ask(const command_words& words,
                                   const std::vector<std::string>& arguments, const char* json_help,
                                   std::chrono::seconds answer_time);

}  // namespace captured::capturectl
