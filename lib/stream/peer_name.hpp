// SPDX-License-Identifier: MIT
//
// The other end of a connection, as gRPC calls it and as people do. Pure text.
#pragma once

#include <optional>
#include <string>

#include "stream/options.hpp"

namespace captured::stream {

/// "ipv4:192.0.2.7:4711" as people write it: "192.0.2.7:4711"; brackets around IPv6.
[[nodiscard]] std::string plain_peer(const std::string& peer);

/// Address and port; none where the peer is, or is still, something else.
[[nodiscard]] std::optional<collector_address> address_of_peer(const std::string& peer);

}  // namespace captured::stream
