// SPDX-License-Identifier: MIT
//
// Which packets are a stream's own.
#include "capture/filter.hpp"
#include "daemon/device_filters.hpp"
#include "daemon/own_traffic.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::daemon;

namespace {

/// TCP over IPv4 from 192.0.2.`host`, port `port`, behind so many VLAN tags.
std::vector<std::byte> tcp_frame(int tags, int host, int port) {
  std::vector<int> octets{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
  for (int i = 0; i < tags; ++i) {
    octets.insert(octets.end(), {0x81, 0, 0, 5 + i});
  }
  octets.insert(octets.end(),
                {8, 0,   0x45, 0, 0,    40,  0,  0,   0, 0,         64,         6,    0,
                 0, 192, 0,    2, host, 198, 51, 100, 1, port >> 8, port & 255, 0x12, 0x34});
  octets.resize(octets.size() + 16);
  std::vector<std::byte> frame;
  for (const int each : octets) {
    frame.push_back(static_cast<std::byte>(each));
  }
  return frame;
}

bool takes(const device_filters& filters, const std::vector<std::byte>& frame) {
  return filters.find(packet::link_type::ethernet)
      ->matches(frame, static_cast<std::uint32_t>(frame.size()));
}

}  // namespace

TEST_CASE("a stream's own packets are left out before a filter's VLAN shifts what follows") {
  const std::string own = own_packets({.host = "192.0.2.7", .port = 50051});
  CHECK(own == "host 192.0.2.7 and tcp port 50051");
  const std::string rest = "not (" + own + ")";
  CHECK(capture::whole_filter({.filter = "vlan 5 or udp", .left_out = own}) ==
        rest + " and (vlan 5 or udp)");
  CHECK(capture::whole_filter({.left_out = own}) == rest);
  CHECK(capture::whole_filter({.filter = "udp"}) == "udp");
}

TEST_CASE("the packets of several streams are left out, and of a name those of its port") {
  CHECK(any_of_packets({}).empty());
  CHECK(any_of_packets({{"a", "tcp port 1"}}) == "tcp port 1");
  CHECK(any_of_packets({{"a", "tcp port 1"}, {"b", "tcp port 2"}}) ==
        "(tcp port 1) or (tcp port 2)");
  CHECK(own_packets({.host = "collector.example", .port = 443}) == "tcp port 443");
}

TEST_CASE("a stream's own packets are known behind VLAN tags, too, and no others are") {
  const auto filters =
      device_filters::compile(all_but(own_packets({.host = "192.0.2.7", .port = 50051})));
  REQUIRE(filters.has_value());
  for (const int tags : {0, 1, 2}) {
    CAPTURE(tags);
    CHECK_FALSE(takes(*filters, tcp_frame(tags, 7, 50051)));
    CHECK(takes(*filters, tcp_frame(tags, 7, 443)));
    CHECK(takes(*filters, tcp_frame(tags, 8, 50051)));
  }
  // Where there can be no tags.
  CHECK(filters->find(packet::link_type::raw_ip) != nullptr);
  CHECK(filters->find(packet::link_type::linux_sll) != nullptr);
}
