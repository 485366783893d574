// SPDX-License-Identifier: MIT
//
// The subcommands of capturectl that speak gRPC: capturectl_elsewhere.hpp runs it for them.
#include <cstdio>
#include <exception>
#include <string_view>

#include "capturectl.hpp"

int main(int argc, char** argv) {
  const std::string_view name = argc > 1 ? argv[1] : "";
  if (name != "send" && name != "receive") {
    std::fputs("capturectl-stream: it is run by capturectl send and capturectl receive\n", stderr);
    return captured::capturectl::exit_usage;
  }
  try {
    const auto run = name == "send" ? captured::capturectl::send : captured::capturectl::receive;
    return run({argv + 2, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "capturectl: %s\n", error.what());
    return captured::capturectl::exit_trouble;
  }
}
