// SPDX-License-Identifier: MIT
//
// The status in words: JSON for the control socket, one line for the service manager. Pure text.
#pragma once

#include <chrono>
#include <string>

#include <boost/json/object.hpp>

#include "daemon/rate_meter.hpp"
#include "daemon/recording_status.hpp"

namespace captured::daemon {

/// What does not come from the recording.
struct process_facts {
  std::chrono::seconds uptime{0};
  std::string configuration_file;  ///< empty in quick mode
};

/// The "status" member of the answer; capturectl(1) describes it.
[[nodiscard]] boost::json::object status_json(const process_facts& process,
                                              const recording_status& status,
                                              const rate_meter& rates);

/// "2 of 2 interfaces, 1204 packets/s, 9.1 Mbit/s, stored 88214, lost 0; output main: …"
[[nodiscard]] std::string status_line(const recording_status& status, const rate_meter& rates);

}  // namespace captured::daemon
