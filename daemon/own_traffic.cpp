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

std::vector<std::string> all_but(const std::string& packets) {
  // Each "vlan" has what follows look behind one tag more.
  const std::string tagged = " or (vlan and " + packets + ")";
  return {"not ((" + packets + ")" + tagged + tagged + ")", "not (" + packets + ")"};
}

}  // namespace captured::daemon
