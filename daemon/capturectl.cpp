// SPDX-License-Identifier: MIT
//
// capturectl: the operator's tool. Picks the subcommand; everything else is in its own file.
#include "capturectl.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <string_view>

#include "capturectl_elsewhere.hpp"

namespace {

using captured::capturectl::exit_trouble;
using captured::capturectl::exit_usage;
using captured::capturectl::exit_well;

struct command {
  std::string_view name;
  const char* summary;
  int (*run)(const std::vector<std::string>& arguments);  ///< null: it is elsewhere
};

constexpr std::array commands{
    command{"status", "tell how the running service stands", captured::capturectl::status},
    command{"reload", "have the running service take up its changed configuration",
            captured::capturectl::reload},
    command{"info", "tell what is in capture files", captured::capturectl::info},
    command{"convert", "change format, or take a part: by filter, time, interface",
            captured::capturectl::convert},
    command{"merge", "make one file of many, by time", captured::capturectl::merge},
    command{"sort", "put the packets of a file into the order of their times",
            captured::capturectl::sort},
    command{"cat", "write files to standard output, for pipes", captured::capturectl::cat},
    command{"repair", "keep what is whole of a cut or damaged file", captured::capturectl::repair},
    command{"verify", "prove that recorded files are whole and none is missing",
            captured::capturectl::verify},
    command{"live", "show the packets that the running service records, as they come",
            captured::capturectl::live},
    command{"extcap", "the same for Wireshark and tshark, which call it",
            captured::capturectl::extcap},
    command{"send", "stream a file to a collector over gRPC", nullptr},
    command{"receive", "take such streams and write them into files", nullptr},
};

void print_usage(std::FILE* to) {
  std::fputs("usage: capturectl COMMAND [ARGUMENT...]\n\ncommands:\n", to);
  for (const command& each : commands) {
    std::fprintf(to, "  %-10.*s %s\n", static_cast<int>(each.name.size()), each.name.data(),
                 each.summary);
  }
  std::fputs("\ncapturectl COMMAND --help tells more.\n", to);
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    print_usage(stderr);
    return exit_usage;
  }
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h") {
    print_usage(stdout);
    return exit_well;
  }
  if (name == "--version") {
    std::puts("capturectl " CAPTURED_VERSION);
    return exit_well;
  }
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const command& each) { return each.name == name; });
  if (found == commands.end()) {
    std::fprintf(stderr, "capturectl: there is no command \"%s\"\n\n", name.c_str());
    print_usage(stderr);
    return exit_usage;
  }
  const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  return found->run == nullptr ? captured::capturectl::run_elsewhere(name, rest) : found->run(rest);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    // Wireshark calls its helpers by their names alone.
    if (std::string_view(argc > 0 ? argv[0] : "").ends_with("captured-extcap")) {
      return captured::capturectl::extcap({argv + 1, argv + argc});
    }
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "capturectl: %s\n", error.what());
    return exit_trouble;
  }
}
