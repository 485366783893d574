// SPDX-License-Identifier: MIT
//
// The packets that the running service records, as they come: for `capturectl live` and for
// Wireshark's extcap.
#pragma once

#include <cstdint>
#include <string>

#include "base/unique_fd.hpp"

namespace captured::capturectl {

struct live_request {
  std::string socket;
  std::string interface;  ///< empty: all
  std::string output;
  std::string filter;
  std::uint32_t snaplen = 262144;
};

/// Writes pcapng into `to` until a signal comes, the reader goes, or the service stops, and says on
/// standard error how many packets did not fit. Gives the exit status; complaints name `command`.
int run_live(const char* command, const live_request& request, const base::unique_fd& to);

}  // namespace captured::capturectl
