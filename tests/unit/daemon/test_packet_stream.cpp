// SPDX-License-Identifier: MIT
#include "daemon/packet_stream.hpp"
#include "support/catch.hpp"

using namespace captured;

TEST_CASE("a stream's own packets are left out before a filter's VLAN shifts what follows") {
  settings::configuration wanted;
  wanted.interfaces.resize(2);
  wanted.interfaces[0].device.filter = "vlan 5 or udp";
  wanted.streams.push_back({.name = "far", .to = "http://192.0.2.7:50051"});
  daemon::leave_out_own_traffic(wanted);
  const std::string rest = "not (host 192.0.2.7 and tcp port 50051)";
  CHECK(wanted.interfaces[0].device.filter == rest + " and (vlan 5 or udp)");
  CHECK(wanted.interfaces[1].device.filter == rest);
}
