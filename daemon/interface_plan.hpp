// SPDX-License-Identifier: MIT
//
// Which devices are to be recorded, and by which entry of the configuration: a plain function from
// entries and devices. Opens nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "capture/device.hpp"
#include "settings/configuration.hpp"

namespace captured::daemon {

/// One interface into one output.
struct planned_interface {
  settings::interface_settings entry;   ///< with the device's own name in place of a pattern
  std::optional<capture::device> from;  ///< absent: named exactly, and not there
  bool by_pattern = false;
};

/// What a pattern does not tell by itself.
struct pattern_rules {
  /// Devices that were there at the start: a pattern takes them up once they are switched on. One
  /// that appears later is taken up at once, so that its first packet is not missed.
  std::set<int> known_at_start;
  /// Name and output of what is recorded already: stays, also when it is switched off.
  std::set<std::pair<std::string, std::string>> recorded;
};

/// In the order of the entries, and of the devices under a pattern. An exact name comes before a
/// pattern of the same output; of two such patterns the first one holds.
[[nodiscard]] std::vector<planned_interface> plan_interfaces(
    const std::vector<settings::interface_settings>& entries,
    const std::vector<capture::device>& devices, const pattern_rules& rules);

}  // namespace captured::daemon
