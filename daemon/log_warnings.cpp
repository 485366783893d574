// SPDX-License-Identifier: MIT
#include "daemon/log_warnings.hpp"

#include <thread>

#include "daemon/host_facts.hpp"
#include "daemon/logging.hpp"

namespace captured::daemon {

void log_warnings_apart(const settings::configuration& wanted, occasion when) {
  std::thread([wanted, when] {
    for (const auto& each : warnings_for(wanted, gather_facts(wanted), when)) {
      log_line(log_level::warning, {}, "{}", each.text);
    }
  }).detach();
}

}  // namespace captured::daemon
