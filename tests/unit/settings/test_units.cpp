// SPDX-License-Identifier: MIT
#include "settings/units.hpp"
#include "support/catch.hpp"

using namespace captured::settings;
using namespace std::chrono_literals;

TEST_CASE("a size is a number with a unit directly behind it, or octets") {
  CHECK(parse_size("0") == 0u);
  CHECK(parse_size("1500") == 1500u);
  CHECK(parse_size("1KiB") == 1024u);
  CHECK(parse_size("64MiB") == 67108864u);
  CHECK(parse_size("2GiB") == 2147483648u);
  CHECK(parse_size("3TiB") == 3298534883328u);
  CHECK(parse_size("5kB") == 5000u);
  CHECK(parse_size("5MB") == 5000000u);
  CHECK(parse_size("5GB") == 5000000000u);
  CHECK(parse_size("007") == 7u);
}

TEST_CASE("whatever else looks like a size is none") {
  for (const auto* const text : {"",
                                 "MiB",
                                 "1 MiB",
                                 " 1",
                                 "1 ",
                                 "-1",
                                 "+1",
                                 "1.5GiB",
                                 "1mib",
                                 "1KB",
                                 "1TB",
                                 "1M",
                                 "1MiBs",
                                 "0x10",
                                 "1e3",
                                 "١",
                                 "9223372036854775808",
                                 "8388608TiB",
                                 "99999999999999999999",
                                 "18446744073709551617"}) {
    INFO(text);
    CHECK_FALSE(parse_size(text).has_value());
  }
}

TEST_CASE("sizes reach to the largest length of a file") {
  CHECK(parse_size("9223372036854775807") == number_max);
  CHECK(parse_size("8388607TiB") == std::uint64_t{8388607} << 40);
}

TEST_CASE("a duration is a number with a unit directly behind it, or 0") {
  CHECK(parse_duration("0") == 0ms);
  CHECK(parse_duration("0s") == 0ms);
  CHECK(parse_duration("15ms") == 15ms);
  CHECK(parse_duration("10s") == 10s);
  CHECK(parse_duration("5min") == 5min);
  CHECK(parse_duration("2h") == 2h);
  CHECK(parse_duration("7d") == 7 * 24h);
  for (const auto* const text : {"", "5", "s", "5 s", "-5s", "5sec", "5m", "5MIN", "1h30min",
                                 "1.5s", "36526d", "99999999999999999999d", "00"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
  CHECK(parse_duration("36525d").has_value());
}

TEST_CASE("sizes and durations are written with the unit that needs the smallest number") {
  CHECK(size_text(0) == "0");
  CHECK(size_text(1) == "1");
  CHECK(size_text(1023) == "1023");
  CHECK(size_text(1024) == "1KiB");
  CHECK(size_text(1536) == "1536");
  CHECK(size_text(1000) == "1kB");
  CHECK(size_text(1u << 30) == "1GiB");
  CHECK(size_text(5000000000) == "5GB");
  CHECK(duration_text(0ms) == "0");
  CHECK(duration_text(1500ms) == "1500ms");
  CHECK(duration_text(90s) == "90s");
  CHECK(duration_text(60s) == "1min");
  CHECK(duration_text(24h) == "1d");
}

TEST_CASE("what is written is read back as the same") {
  std::uint64_t number = 1;
  for (int i = 0; i < 2000; ++i) {
    number = number * 6364136223846793005 + 1442695040888963407;
    const std::uint64_t size = number >> (1 + i % 63) << i % 23 & number_max;
    CHECK(parse_size(size_text(size)) == size);
    const std::chrono::milliseconds duration(size % 3'155'760'000'000);
    CHECK(parse_duration(duration_text(duration)) == duration);
  }
}

TEST_CASE("what was meant by the units that people use is found, and nothing else is") {
  CHECK(size_meant("64M") == "64MiB");
  CHECK(size_meant("1 GB") == "1GB");
  CHECK(size_meant("5 tb") == "5TiB");
  CHECK(size_meant("100 bytes") == "100");
  CHECK(size_meant("5 parsecs").empty());
  CHECK(size_meant("").empty());
  CHECK(size_meant("MiB").empty());
  CHECK(size_meant("1.5GiB").empty());
  CHECK(size_meant("99999999999999999999M").empty());
  CHECK(duration_meant("5m") == "5min");
  CHECK(duration_meant("90") == "90s");
  CHECK(duration_meant("2 Hours") == "2h");
  CHECK(duration_meant("1w").empty());
  CHECK(duration_meant("-5s").empty());
}
