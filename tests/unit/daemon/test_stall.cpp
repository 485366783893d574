// SPDX-License-Identifier: MIT
#include "daemon/stall.hpp"
#include "support/catch.hpp"

using captured::daemon::stall_text;

TEST_CASE("how long a ring survives a stall is told at the speed of the device") {
  constexpr std::uint64_t ring = 64 << 20;
  CHECK(stall_text(ring, 10'000'000'000) == "0.05 s at 10 Gbit/s");
  CHECK(stall_text(16 * ring, 10'000'000'000) == "0.78 s at 10 Gbit/s");
  CHECK(stall_text(ring, 100'000'000) == "4.88 s at 100 Mbit/s");
}

TEST_CASE("of several rings one may get all packets, or each its part") {
  CHECK(stall_text(64 << 20, 4, 10'000'000'000) == "0.05 s to 0.20 s at 10 Gbit/s");
  CHECK(stall_text(64 << 20, 1, 10'000'000'000) == "0.05 s at 10 Gbit/s");
}

TEST_CASE("where the speed is not known a stall is told at 1 Gbit/s") {
  CHECK(stall_text(64 << 20, {}) == "0.49 s at 1 Gbit/s");
  CHECK(stall_text(64 << 20, 0) == "0.49 s at 1 Gbit/s");
}
