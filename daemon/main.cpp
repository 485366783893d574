// SPDX-License-Identifier: MIT
//
// captured: records network interfaces into pcapng files. Only the order of things stands here.
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "capture/hardware_time.hpp"
#include "daemon/application.hpp"
#include "daemon/check_configuration.hpp"
#include "daemon/command_line.hpp"
#include "daemon/heap.hpp"
#include "daemon/host_facts.hpp"
#include "daemon/logging.hpp"
#include "daemon/privileges.hpp"
#include "daemon/sandbox.hpp"
#include "daemon/version.hpp"
#include "daemon/warnings.hpp"
#include "settings/print.hpp"
#include "settings/quick.hpp"

namespace captured::daemon {

namespace {

/// What the command line and the file it names ask for; not there when something is wrong with it.
struct request {
  checked_configuration checked;
  std::optional<std::chrono::milliseconds> duration;
};

request read_request(const command_line& line) {
  if (line.configuration_file.empty() && line.quick.interfaces.empty()) {
    return {check_configuration({settings::shipped(), {}, "command line"}), {}};
  }
  if (line.configuration_file.empty()) {
    settings::quick_recording quick = settings::quick(line.quick);
    return {check_configuration(std::move(quick.result)), quick.run_for};
  }
  settings::outcome outcome = settings::load(line.configuration_file);
  const auto duration = settings::parse_run_time(line.quick.duration);
  if (!line.quick.duration.empty() && !duration) {
    outcome.settings.reset();
    outcome.problems.push_back(
        {"command line", {}, "--duration: '" + line.quick.duration + "' is no time"});
  }
  return {check_configuration(std::move(outcome)), duration};
}

/// The problems of --check-config, then its warnings, then how many there are.
int tell_of_check(const std::string& file, checked_configuration checked) {
  if (const auto& wanted = checked.read.settings) {
    for (const auto& one : warnings_for(*wanted, gather_facts(*wanted), occasion::check)) {
      checked.warnings.push_back(settings::placed(checked.read, one));
    }
    settings::sort_by_place(checked.warnings);
  }
  for (const settings::problem& one : checked.read.problems) {
    std::fprintf(stderr, "%s\n", one.message().c_str());
  }
  for (const settings::problem& one : checked.warnings) {
    std::fprintf(stderr, "%s\n", one.warning().c_str());
  }
  const auto count = [](std::size_t number, const char* what) {
    return (number == 0 ? "no" : std::to_string(number)) + " " + what + (number == 1 ? "" : "s");
  };
  std::printf("%s: %s, %s\n", file.c_str(), count(checked.read.problems.size(), "error").c_str(),
              count(checked.warnings.size(), "warning").c_str());
  return checked.read.settings ? exit_status::success : exit_status::usage;
}

/// What the command line says holds over the file, at the start and in a reload.
void override_by(const command_line& line, settings::configuration& wanted) {
  wanted.log.level = line.log_level.value_or(wanted.log.level);
  wanted.log.format = line.log_format.value_or(wanted.log.format);
  if (!line.quick.user.empty()) {
    wanted.user = line.quick.user;
  }
}

/// What cards must be told while we may: it takes CAP_NET_ADMIN, which goes next. What cannot be
/// switched on now is said when the interface is opened.
void switch_card_clocks_on(const settings::configuration& wanted) {
  for (const settings::interface_settings& each : wanted.interfaces) {
    if (each.device.stamps == capture::stamp_source::hardware && !each.is_pattern()) {
      (void)capture::enable_hardware_time(each.device.name);
    }
  }
}

int record(settings::configuration wanted, const command_line& line,
           const std::vector<settings::problem>& warnings,
           std::optional<std::chrono::milliseconds> duration) {
  override_by(line, wanted);
  start_logging(wanted.log);
  for (const settings::problem& one : warnings) {
    spdlog::warn("{}", one.text);
  }
  run_options options{
      .duration = duration,
      .live = line.live,
      .ledger_file = line.ledger_file,
      .occasion = line.configuration_file.empty() ? occasion::quick_recording : occasion::service,
      .configuration_file = line.configuration_file};
  options.overrides = [line](settings::configuration& other) { override_by(line, other); };
  switch_card_clocks_on(wanted);
  auto spares = open_spare_sockets(wanted);
  if (!spares) {
    spdlog::error("{}", spares.error().message());
    return exit_status::trouble;
  }
  options.spares = std::move(*spares);
  const auto dropped = drop_privileges(wanted);
  if (!dropped) {
    spdlog::error("{}", dropped.error().message());
    return exit_status::trouble;
  }
  if (*dropped) {
    options.warnings.push_back(**dropped);
  }
  // Before any thread, for files are confined thread by thread.
  options.sandbox = enter_sandbox(wanted, line.configuration_file, line.ledger_file);
  // From here on the process has the rights of a recorder, and no others.
  keep_heap_flat();
  start_log_thread();
  return run(wanted, options);
}

int act_on(const command_line& line) {
  if (line.what == command_line::act::print_help) {
    std::fputs(help_text().c_str(), stdout);
    return exit_status::success;
  }
  if (line.what == command_line::act::print_version) {
    std::fputs(version_text().c_str(), stdout);
    return exit_status::success;
  }
  const auto [checked, duration] = read_request(line);
  if (line.what == command_line::act::check_configuration) {
    return tell_of_check(line.configuration_file, checked);
  }
  for (const settings::problem& one : checked.read.problems) {
    std::fprintf(stderr, "%s\n", one.message().c_str());
  }
  auto wanted = checked.read.settings;
  if (!wanted) {
    return exit_status::usage;
  }
  if (line.what == command_line::act::print_configuration) {
    override_by(line, *wanted);
    std::fputs(settings::print(*wanted).c_str(), stdout);
    return exit_status::success;
  }
  return record(std::move(*wanted), line, checked.warnings, duration);
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
