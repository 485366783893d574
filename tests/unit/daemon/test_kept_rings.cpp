// SPDX-License-Identifier: MIT
#include "daemon/kept_rings.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::daemon;

TEST_CASE("a ring's name in the manager's store is made of characters it takes, and comes back") {
  for (const stored_ring& ring : {stored_ring{"eth0", "main", 0},
                                  {"a:b%", "split-ethernet", 1},
                                  {"veth@1", "\xc3\xa4 b", 63}}) {
    const std::string name = store_name(ring);
    INFO(name);
    CHECK(name.find(':') == std::string::npos);
    for (const char c : name) {
      CHECK((c > 0x20 && c < 0x7f));
    }
    const auto back = parse_store_name(name);
    REQUIRE(back);
    CHECK((*back == ring));
  }
  CHECK(store_name({"eth0", "main", 2}) == "ring-eth0@main@2");
  for (const char* other : {"stored", "connection", "ring-eth0", "ring-eth0@main",
                            "ring-eth0@main@", "ring-eth0@main@x", "ring-eth0@main@99999"}) {
    INFO(other);
    CHECK_FALSE(parse_store_name(other));
  }
}

TEST_CASE("a ring's use begins with what was dealt with and what the recording has") {
  pipeline::ledger_figures recorded;
  recorded.stored = 10;
  recorded.unwritten = 2;
  recorded.osdrop = 3;
  const auto use = use_of("00000000-0000-4000-8000-000000000001", recorded,
                          {.packets_total = 100, .losses_told = 5}, 77);
  CHECK(std::string(use.recording.data()) == "00000000-0000-4000-8000-000000000001");
  CHECK(use.packets_before == 100);
  CHECK(use.losses_before == 5);
  CHECK(use.packets_recorded == 12);
  CHECK(use.losses_recorded == 3);
  CHECK(use.turns_before == 77);
}
