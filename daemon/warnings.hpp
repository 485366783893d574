// SPDX-License-Identifier: MIT
//
// What will disappoint although nothing is wrong with the configuration: each warning names the
// thing, what will happen, and the cure. A pure function of the configuration and the machine.
#pragma once

#include <cstdint>
#include <vector>

#include "daemon/host_facts.hpp"
#include "settings/configuration.hpp"
#include "settings/problem.hpp"

namespace captured::daemon {

enum class occasion : std::uint8_t {
  check,           ///< --check-config: also what the log of a recording says by itself
  service,         ///< a recording from a configuration begins
  quick_recording  ///< one from the command line begins: its disk is watched by who began it
};

/// In the order of the configuration, the machine last.
[[nodiscard]] std::vector<settings::remark> warnings_for(const settings::configuration& wanted,
                                                         const host_facts& host, occasion when);

}  // namespace captured::daemon
