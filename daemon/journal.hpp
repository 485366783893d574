// SPDX-License-Identifier: MIT
//
// The one thing that the log wants of libsystemd.
#pragma once

#include <string>
#include <vector>

namespace captured::daemon {

/// Sends an entry, a "NAME=value" for each field, to the journal. May wait for it; what it does
/// not take is lost.
void send_to_journal(const std::vector<std::string>& fields);

}  // namespace captured::daemon
