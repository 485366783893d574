// SPDX-License-Identifier: MIT
#include "stream/peer_name.hpp"

#include <string_view>
#include <utility>

namespace captured::stream {

std::string plain_peer(const std::string& peer) {
  for (const std::string_view kind : {"ipv4:", "ipv6:", "unix:"}) {
    if (peer.starts_with(kind)) {
      std::string plain = peer.substr(kind.size());
      for (const auto& [code, octet] : {std::pair("%5B", "["), std::pair("%5D", "]")}) {
        if (const auto at = plain.find(code); at != std::string::npos) {
          plain.replace(at, 3, octet);
        }
      }
      return plain;
    }
  }
  return peer;
}

std::optional<collector_address> address_of_peer(const std::string& peer) {
  if (!peer.starts_with("ipv4:") && !peer.starts_with("ipv6:")) {
    return std::nullopt;
  }
  auto found = parse_collector("http://" + plain_peer(peer));
  return found && found->is_literal() ? std::optional(std::move(*found)) : std::nullopt;
}

}  // namespace captured::stream
