// SPDX-License-Identifier: MIT
//
// captured: records network interfaces into pcapng files. Only the order of things stands here.
#include <cstdio>
#include <exception>

#include <spdlog/spdlog.h>

#include "daemon/application.hpp"
#include "daemon/command_line.hpp"
#include "daemon/logging.hpp"

namespace captured::daemon {

namespace {

int act_on(const command_line& line) {
  switch (line.what) {
    case command_line::act::print_help:
      std::fputs(help_text().c_str(), stdout);
      return exit_status::success;
    case command_line::act::print_version:
      std::puts("captured " CAPTURED_VERSION);
      return exit_status::success;
    default:
      break;
  }
  settings::configuration wanted;
  pipeline::output_options out;
  out.files.directory = line.directory;
  wanted.outputs.push_back(out);
  for (const auto& name : line.interfaces) {
    settings::interface_entry entry;
    entry.options.name = name;
    entry.options.filter = line.filter;
    entry.output = "main";
    wanted.interfaces.push_back(entry);
  }
  start_logging({wanted.log.level, wanted.log.format});
  return run(wanted, line.run);
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
