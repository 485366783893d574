// SPDX-License-Identifier: MIT
#include "daemon/check_configuration.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "capture/filter.hpp"
#include "daemon/accounts.hpp"
#include "daemon/supported.hpp"

namespace captured::daemon {

namespace {

/// Filters are libpcap's to judge: tried without a device here, for the live one at the start.
void check_filters(const settings::configuration& wanted, std::vector<settings::remark>& wrong) {
  for (std::size_t i = 0; i < wanted.interfaces.size(); ++i) {
    const auto& device = wanted.interfaces[i].device;
    if (const auto checked = capture::check_filter(device.filter); !checked) {
      wrong.push_back({"interfaces[" + std::to_string(i) + "].filter",
                       "interface " + device.name + ": " + checked.error().message()});
    }
  }
}

/// No error: a name service may know it later, and other outputs do not depend on it.
std::vector<settings::remark> doubt_groups(const settings::configuration& wanted) {
  std::vector<settings::remark> doubts;
  for (std::size_t i = 0; i < wanted.outputs.size(); ++i) {
    if (const auto known = look_up_group(wanted.outputs[i].files); !known) {
      doubts.push_back({"outputs[" + std::to_string(i) + "].group",
                        known.error().message() + "; until there is, the output cannot be opened"});
    }
  }
  return doubts;
}

std::vector<settings::problem> placed(const settings::outcome& read,
                                      const std::vector<settings::remark>& remarks) {
  std::vector<settings::problem> all;
  for (const auto& each : remarks) {
    all.push_back(settings::placed(read, each));
  }
  settings::sort_by_place(all);
  return all;
}

}  // namespace

checked_configuration check_configuration(settings::outcome read) {
  checked_configuration checked{std::move(read)};
  if (!checked.read.settings) {
    if (checked.read.attempt) {
      std::vector<settings::remark> further;
      check_filters(*checked.read.attempt, further);
      for (settings::problem& each : placed(checked.read, further)) {
        checked.read.problems.push_back(std::move(each));
      }
      settings::sort_by_place(checked.read.problems);
    }
    return checked;
  }
  auto wrong = check_supported(*checked.read.settings);
  check_filters(*checked.read.settings, wrong);
  checked.read.problems = placed(checked.read, wrong);
  checked.warnings = placed(checked.read, doubt_groups(*checked.read.settings));
  if (!checked.read.problems.empty()) {
    checked.read.settings.reset();
  }
  return checked;
}

}  // namespace captured::daemon
