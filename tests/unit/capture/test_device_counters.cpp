// SPDX-License-Identifier: MIT
#include "capture/device_counters.hpp"
#include "support/catch.hpp"

using captured::capture::device_counters;
using captured::capture::parse_device_counters;

namespace {
constexpr std::string_view table =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"
    "    lo:    3267      29    0    0    0     0          0         0     3267      29    0\n"
    "  eth0: 7000000 4000    9   20    3     1          0         5     1      2    0\n"
    "eth0.100:18446744073709551615 18446744073709551614 0 0 0 0 0 0 1 2 0\n"
    "  eth1:1 2 3\n"
    "  eth2:1 2 3 x 5 6\n"
    "  eth3:1 99999999999999999999 3 4 5 6\n"
    "  eth4: 1 7 0 8 0 0";
}  // namespace

TEST_CASE("a device's packets, and its drops with its fifo errors, are found by name") {
  CHECK(parse_device_counters(table, "eth0") == device_counters{.received = 4000, .dropped = 23});
  CHECK(parse_device_counters(table, "lo") == device_counters{.received = 29, .dropped = 0});
}

TEST_CASE("figures have 64 bits, and follow the colon without a space") {
  CHECK(parse_device_counters(table, "eth0.100") ==
        device_counters{.received = 18'446'744'073'709'551'614u, .dropped = 0});
}

TEST_CASE("the last line needs no end of line") {
  CHECK(parse_device_counters(table, "eth4") == device_counters{.received = 7, .dropped = 8});
}

TEST_CASE("a device that is not there, or only a part of a name, is not found") {
  for (const char* const name : {"eth", "th0", "eth0.1", "", " face |bytes", "eth0:"}) {
    INFO(name);
    CHECK_FALSE(parse_device_counters(table, name));
  }
  CHECK_FALSE(parse_device_counters("", "eth0"));
}

TEST_CASE("a malformed line is not guessed at") {
  CHECK_FALSE(parse_device_counters(table, "eth1"));
  CHECK_FALSE(parse_device_counters(table, "eth2"));
  CHECK_FALSE(parse_device_counters(table, "eth3"));
}

TEST_CASE("the kernel's own table can be read again and again") {
  auto opened = captured::capture::device_counter_table::open();
  REQUIRE(opened.has_value());
  for (int i = 0; i < 3; ++i) {
    CHECK(opened->read("lo").has_value());
  }
  const auto missing = opened->read("no-such-device");
  REQUIRE(missing.has_error());
  CHECK(missing.error().message() == "read counters of no-such-device: No such device");
}
