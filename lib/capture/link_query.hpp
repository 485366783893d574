// SPDX-License-Identifier: MIT
//
// Asks the kernel for its network devices by rtnetlink (rtnetlink(7), RTM_GETLINK). Fills what
// stands in those messages; what a driver knows is ethtool's.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "capture/device.hpp"

namespace captured::capture {

/// The device of this name, or all devices when it is empty. Fails with ENODEV when there is none.
[[nodiscard]] base::result<std::vector<device>> query_links(const std::string& name);

/// Reads the octets of one RTM_NEWLINK message behind its nlmsghdr; nothing when it is too short or
/// has no name. Attributes that do not fit end the reading.
[[nodiscard]] std::optional<device> parse_link(std::span<const std::byte> message);

}  // namespace captured::capture
