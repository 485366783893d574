// SPDX-License-Identifier: MIT
//
// Asks the kernel for its network devices by rtnetlink (rtnetlink(7), RTM_GETLINK). Fills what
// stands in the replies (link_message.hpp); what a driver knows is ethtool's.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "capture/device.hpp"

namespace captured::capture {

/// The device of this name, or all devices when it is empty. Fails with ENODEV when there is none
/// of that name. A list that was made while devices changed is asked for anew, some times.
[[nodiscard]] base::result<std::vector<device>> query_links(const std::string& name);

}  // namespace captured::capture
