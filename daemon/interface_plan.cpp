// SPDX-License-Identifier: MIT
#include "daemon/interface_plan.hpp"

#include <algorithm>

#include <fnmatch.h>

namespace captured::daemon {

namespace {

using key = std::pair<std::string, std::string>;

std::optional<capture::device> device_named(const std::vector<capture::device>& devices,
                                            const std::string& name) {
  const auto at = std::find_if(devices.begin(), devices.end(),
                               [&](const capture::device& one) { return one.name == name; });
  return at == devices.end() ? std::nullopt : std::optional(*at);
}

}  // namespace

std::vector<planned_interface> plan_interfaces(
    const std::vector<settings::interface_settings>& entries,
    const std::vector<capture::device>& devices, const pattern_rules& rules) {
  std::set<key> taken;
  for (const settings::interface_settings& entry : entries) {
    if (!entry.is_pattern()) {
      taken.emplace(entry.device.name, entry.output);
    }
  }
  std::vector<planned_interface> planned;
  for (const settings::interface_settings& entry : entries) {
    if (!entry.is_pattern()) {
      planned.push_back({entry, device_named(devices, entry.device.name), false});
      continue;
    }
    for (const capture::device& one : devices) {
      const key whose(one.name, entry.output);
      const bool ready =
          one.up || !rules.known_at_start.contains(one.index) || rules.recorded.contains(whose);
      if (ready && ::fnmatch(entry.device.name.c_str(), one.name.c_str(), 0) == 0 &&
          taken.insert(whose).second) {
        planned.push_back({entry, one, true});
        planned.back().entry.device.name = one.name;
      }
    }
  }
  return planned;
}

}  // namespace captured::daemon
