// SPDX-License-Identifier: MIT
//
// capturectl reload: has the running service read its configuration again.
#include <cstdio>

#include <boost/json.hpp>

#include "capturectl.hpp"
#include "capturectl_control.hpp"

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
  const auto [ended, answer, as_json] =
      ask(words, arguments, "print the answer as one JSON object", answer_time);
  if (ended) {
    return *ended;
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
