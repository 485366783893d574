// SPDX-License-Identifier: MIT
//
// captured: records network interfaces into pcapng files. Only the order of things stands here.
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <spdlog/spdlog.h>

#include "capture/filter.hpp"
#include "daemon/application.hpp"
#include "daemon/command_line.hpp"
#include "daemon/logging.hpp"
#include "daemon/supported.hpp"
#include "settings/print.hpp"
#include "settings/quick.hpp"

namespace captured::daemon {

namespace {

/// What the command line and the file it names ask for; problems go to standard error.
struct request {
  std::optional<settings::configuration> wanted;
  std::optional<std::chrono::milliseconds> duration;
};

request read_request(const command_line& line) {
  request made;
  settings::outcome outcome;
  if (!line.configuration_file.empty()) {
    outcome = settings::load(line.configuration_file);
    made.duration = settings::parse_run_time(line.quick.duration);
    if (!line.quick.duration.empty() && !made.duration) {
      outcome.problems.push_back(
          {"command line", {}, "--duration: '" + line.quick.duration + "' is no time"});
    }
  } else if (line.quick.interfaces.empty()) {
    outcome.settings = settings::shipped();
  } else {
    settings::quick_recording quick = settings::quick(line.quick);
    outcome = std::move(quick.result);
    made.duration = quick.run_for;
  }
  for (const settings::problem& one : outcome.problems) {
    std::fprintf(stderr, "%s\n", one.message().c_str());
  }
  if (outcome.problems.empty()) {
    made.wanted = std::move(outcome.settings);
  }
  return made;
}

/// Says what this version does not do; false when that makes the recording impossible.
bool check_support(const settings::configuration& wanted) {
  const support_report report = check_supported(wanted);
  for (const std::string& line : report.warnings) {
    std::fprintf(stderr, "warning: %s\n", line.c_str());
  }
  for (const std::string& line : report.refusals) {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  return report.refusals.empty();
}

/// Filters are libpcap's to judge: tried without a device here, for the live one at the start.
bool check_filters(const settings::configuration& wanted) {
  bool good = true;
  for (const auto& one : wanted.interfaces) {
    if (const auto checked = capture::check_filter(one.device.filter); !checked) {
      std::fprintf(stderr, "interface %s: %s\n", one.device.name.c_str(),
                   checked.error().message().c_str());
      good = false;
    }
  }
  return good;
}

int act_on(const command_line& line) {
  if (line.what == command_line::act::print_help) {
    std::fputs(help_text().c_str(), stdout);
    return exit_status::success;
  }
  if (line.what == command_line::act::print_version) {
    std::puts("captured " CAPTURED_VERSION);
    return exit_status::success;
  }
  auto [wanted, duration] = read_request(line);
  if (!wanted || !check_filters(*wanted)) {
    return exit_status::usage;
  }
  if (line.what == command_line::act::print_configuration) {
    std::fputs(settings::print(*wanted).c_str(), stdout);
    return exit_status::success;
  }
  if (!check_support(*wanted)) {
    return exit_status::usage;
  }
  if (line.what == command_line::act::check_configuration) {
    std::printf("%s: no errors\n", line.configuration_file.c_str());
    return exit_status::success;
  }
  wanted->log.level = line.log_level.value_or(wanted->log.level);
  wanted->log.format = line.log_format.value_or(wanted->log.format);
  start_logging(wanted->log);
  return run(*wanted, {.duration = duration,
                       .live = line.live,
                       .ends_without_interfaces = line.configuration_file.empty(),
                       .ledger_file = line.ledger_file});
}

}  // namespace

}  // namespace captured::daemon

int main(int count, char** words) {
  using namespace captured::daemon;
  try {
    const auto line = parse_command_line(count, words);
    if (!line) {
      std::fprintf(stderr, "%s\n", line.error().message().c_str());
      return exit_status::usage;
    }
    const int status = act_on(*line);
    finish_logging();
    return status;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "captured: %s\n", error.what());
    return exit_status::trouble;
  }
}
