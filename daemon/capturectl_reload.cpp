// SPDX-License-Identifier: MIT
//
// capturectl reload: has the running service read its configuration again.
#include <cstdio>

#include <boost/json.hpp>

#include "capturectl.hpp"
#include "capturectl_arguments.hpp"
#include "daemon/control_client.hpp"

namespace captured::capturectl {
namespace {

namespace json = boost::json;

// Interfaces are opened and files begun meanwhile, each with time-outs of its own.
constexpr auto answer_time = std::chrono::seconds(60);

constexpr command_words words{
    "reload", "[options]",
    "Has the running captured read its configuration file again and take it up: interfaces,\n"
    "filters, outputs and limits change while everything else goes on recording. A file with\n"
    "errors changes nothing; all its errors are printed, with their place. systemctl reload\n"
    "captured does the same.\n"
    "Exit status: 0 taken up, 1 refused or nobody answers, 2 wrong usage.\n",
    "  captured --check-config /etc/captured/captured.yaml && capturectl reload\n"
    "  capturectl reload --socket /run/second/control\n"};

}  // namespace

int reload(const std::vector<std::string>& arguments) {
  std::vector<std::string> paths;
  std::string socket = daemon::usual_control_socket;
  bool as_json = false;
  option_list visible;
  visible.value("socket", socket, "the control socket (default: /run/captured/control)")
      .flag("json", as_json, "print the answer as one JSON object");
  if (const auto status = parse_arguments(words, visible, arguments, paths, 0, 0)) {
    return *status;
  }
  const auto answer = daemon::ask_daemon(socket, {{"request", words.name}}, answer_time);
  if (!answer) {
    complain(words.name, answer.error().message());
    return exit_trouble;
  }
  if (as_json) {
    std::puts(json::serialize(answer->values).c_str());
    return answer->ok ? exit_well : exit_trouble;
  }
  for (const std::string& each : answer->errors) {
    std::fprintf(stderr, "%s\n", printable(each).c_str());
  }
  if (const json::value* warnings = answer->values.if_contains("warnings");
      warnings != nullptr && warnings->is_array()) {
    for (const json::value& each : warnings->get_array()) {
      if (each.is_string()) {
        std::fprintf(stderr, "warning: %s\n", printable(each.get_string()).c_str());
      }
    }
  }
  if (!answer->ok) {
    complain(words.name, "refused; nothing has changed");
  }
  return answer->ok ? exit_well : exit_trouble;
}

}  // namespace captured::capturectl
