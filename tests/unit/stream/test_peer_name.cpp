// SPDX-License-Identifier: MIT
#include "stream/peer_name.hpp"
#include "support/catch.hpp"

using namespace captured::stream;

TEST_CASE("a peer is named as people write addresses") {
  CHECK(plain_peer("ipv4:192.0.2.7:4711") == "192.0.2.7:4711");
  CHECK(plain_peer("ipv6:%5B2001:db8::1%5D:4711") == "[2001:db8::1]:4711");
  CHECK(plain_peer("unix:/run/x") == "/run/x");
  CHECK(plain_peer("unknown") == "unknown");
}

TEST_CASE("a peer has an address when it is known and one of the Internet's") {
  const auto four = address_of_peer("ipv4:192.0.2.7:4711");
  REQUIRE(four.has_value());
  CHECK((four->host == "192.0.2.7" && four->port == 4711));
  const auto six = address_of_peer("ipv6:%5B2001:db8::1%5D:50051");
  REQUIRE(six.has_value());
  CHECK((six->host == "2001:db8::1" && six->port == 50051));
  for (const char* other : {"", "dns:///collector.example:50051", "unix:/run/x", "ipv4:x:1"}) {
    CHECK_FALSE(address_of_peer(other).has_value());
  }
}
