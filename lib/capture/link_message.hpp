// SPDX-License-Identifier: MIT
//
// Reads rtnetlink's messages about network devices (rtnetlink(7), RTM_NEWLINK and RTM_DELLINK):
// pure functions over octets, whatever these say. Sockets are link_query's and link_watch's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <linux/netlink.h>

#include "base/error.hpp"
#include "capture/device.hpp"

namespace captured::capture {

/// What became of one device.
struct link_event {
  enum class kind : std::uint8_t {
    changed,  ///< made, renamed, switched, or anything else about it: `link` is how it is now
    removed,  ///< deleted, or moved to another namespace: `link` is how it last was
  };
  kind what = kind::changed;
  /// `index` says which device; a new name for the same index is a renaming. What only a driver
  /// knows (speed, hardware) is absent.
  device link = {};

  bool operator==(const link_event&) const = default;
};

/// One message of a datagram.
struct netlink_message {
  nlmsghdr head = {};
  std::span<const std::byte> body = {};  ///< behind the head, without padding
};

/// Takes the next message off the front of a datagram; nothing at its end, and nothing, with
/// octets left in `datagram`, where the next message does not fit into it.
[[nodiscard]] std::optional<netlink_message> take_message(
    std::span<const std::byte>& datagram) noexcept;

/// Reads the body of an RTM_NEWLINK or RTM_DELLINK message; nothing when it is too short or has no
/// name. Attributes that do not fit end the reading.
[[nodiscard]] std::optional<device> parse_link(std::span<const std::byte> body);

/// Appends the events of one datagram, in order. Skips messages of other kinds, and those that
/// look like link messages without being about the device itself: bridges send them when a port
/// joins or leaves, wireless drivers for each event of theirs. Fails when messages do not fit the
/// datagram; what came before stands in `events` then.
[[nodiscard]] base::result<> parse_link_events(std::span<const std::byte> datagram,
                                               std::vector<link_event>& events);

}  // namespace captured::capture
