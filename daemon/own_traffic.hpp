// SPDX-License-Identifier: MIT
//
// Filter texts for the packets of a stream's own connection. Pure text.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "packet/link_type.hpp"
#include "stream/options.hpp"

namespace captured::daemon {

/// "host 192.0.2.7 and tcp port 50051"; without the host while that is a name.
[[nodiscard]] std::string own_packets(const stream::collector_address& to);

/// What matches those of all streams, by stream; empty for none.
[[nodiscard]] std::string any_of_packets(const std::map<std::string, std::string>& by_stream);

/// The same for the filter of a device whose packets have this link type. What is too short to be
/// of a connection is none: a filter rejects what ends before it has read what it compares, and
/// would take such packets of others out of the recording, uncounted.
[[nodiscard]] std::string on_device(const std::string& packets, packet::link_type link);

/// The same for packets as files have them, with their VLAN tags: of the texts, the first one that
/// makes sense for a link type holds.
[[nodiscard]] std::vector<std::string> in_files(const std::string& packets);

}  // namespace captured::daemon
