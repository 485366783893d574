// SPDX-License-Identifier: MIT
#include "capturectl_control.hpp"

#include <utility>

#include "capturectl.hpp"

namespace captured::capturectl {

control_dialogue ask(const command_words& words, const std::vector<std::string>& arguments,
                     const char* json_help, std::chrono::seconds answer_time) {
  control_dialogue made;
  std::vector<std::string> paths;
  std::string socket = daemon::usual_control_socket;
  option_list visible;
  visible.value("socket", socket, "the control socket (default: /run/captured/control)")
      .flag("json", made.as_json, json_help);
  made.status = parse_arguments(words, visible, arguments, paths, 0, 0);
  if (made.status) {
    return made;
  }
  auto answer = daemon::ask_daemon(socket, {{"request", words.name}}, answer_time);
  if (answer) {
    made.answer = std::move(*answer);
  } else {
    complain(words.name, answer.error().message());
    made.status = exit_trouble;
  }
  return made;
}

}  // namespace captured::capturectl
