// SPDX-License-Identifier: MIT
#include "settings/print.hpp"

#include "settings/keys.hpp"

namespace captured::settings {

namespace {

constexpr std::string_view heading =
    "# Configuration of captured. A key that is left out has the default that the shipped file\n"
    "# shows; `captured --check-config FILE` tells what is wrong with a file.\n"
    "# Sizes take KiB MiB GiB TiB kB MB GB, durations ms s min h d.\n";

}  // namespace

std::string print(const configuration& settings) {
  yaml_printer printer(heading);
  print_mapping(printer, configuration_keys(), settings);
  return printer.text();
}

configuration shipped() {
  configuration settings;
  settings.outputs.emplace_back();
  settings.interfaces.emplace_back();
  settings.interfaces[0].device.name = "eth0";
  settings.interfaces[0].output = settings.outputs[0].files.name;
  return settings;
}

}  // namespace captured::settings
