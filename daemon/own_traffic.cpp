// SPDX-License-Identifier: MIT
#include "daemon/own_traffic.hpp"

namespace captured::daemon {

std::string own_packets(const stream::collector_address& to) {
  return (to.is_literal() ? "host " + to.host + " and " : "") + "tcp port " +
         std::to_string(to.port);
}

std::string any_of_packets(const std::map<std::string, std::string>& by_stream) {
  if (by_stream.size() == 1) {
    return by_stream.begin()->second;
  }
  std::string text;
  for (const auto& [stream, packets] : by_stream) {
    text += (text.empty() ? "(" : " or (") + packets + ")";
  }
  return text;
}

std::string on_device(const std::string& packets, packet::link_type link) {
  constexpr std::size_t ethernet_bytes = 14;
  constexpr std::size_t shortest_bytes = 20 + 20;  // of IPv4 and TCP, as a bare acknowledgement
  const std::size_t from =
      shortest_bytes + (link == packet::link_type::ethernet ? ethernet_bytes : 0);
  return "greater " + std::to_string(from) + " and (" + packets + ")";
}

std::vector<std::string> in_files(const std::string& packets) {
  // Each "vlan" has what follows look behind one tag more.
  const std::string tagged = " or (vlan and " + packets + ")";
  return {"(" + packets + ")" + tagged + tagged, packets};
}

}  // namespace captured::daemon
