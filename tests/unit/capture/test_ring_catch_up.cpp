// SPDX-License-Identifier: MIT
#include "capture/ring_catch_up.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"

using namespace captured;
using capture::catch_up;
using test::numbered_frame;
using test::scripted_source;

namespace {

/// Blocks of 3 packets each, as many as there are given.
void fill(scripted_source& ring, int blocks) {
  std::uint32_t number = 0;
  for (int block = 0; block < blocks; ++block) {
    for (int i = 0; i < 3; ++i) {
      const auto frame = numbered_frame(number++, 60);
      REQUIRE(ring.produce({.timestamp_ns = 1, .data = frame}));
    }
    ring.retire();
  }
}

capture::ring_progress caught_up(scripted_source& ring, std::uint64_t packets) {
  return catch_up(ring.memory(), 4096, {}, {.packets_total = packets, .losses_told = 4});
}

}  // namespace

TEST_CASE("what is in the files already is passed over, block after block") {
  scripted_source ring({.block_count = 4});
  fill(ring, 3);
  const auto none = caught_up(ring, 0);
  CHECK((none.block == 1 && none.packets == 0 && none.packets_total == 0));
  const auto some = caught_up(ring, 2);
  CHECK((some.block == 1 && some.packets == 2 && some.packets_total == 2));
  const auto whole = caught_up(ring, 3);
  CHECK((whole.block == 2 && whole.packets == 0 && whole.packets_total == 3));
  const auto more = caught_up(ring, 7);
  CHECK((more.block == 3 && more.packets == 1 && more.packets_total == 7));
  CHECK(more.losses_told == 4);
}

TEST_CASE("never more is passed over than the ring holds, and nothing is taken back") {
  scripted_source ring({.block_count = 4});
  fill(ring, 2);
  const auto all = caught_up(ring, 1000);
  CHECK((all.block == 3 && all.packets == 0 && all.packets_total == 6));
  const auto kept = catch_up(ring.memory(), 4096,
                             {.block = 2, .packets = 1, .packets_total = 4, .losses_told = 9},
                             {.packets_total = 2, .losses_told = 1});
  CHECK((kept.block == 2 && kept.packets == 1 && kept.packets_total == 4));
  CHECK(kept.losses_told == 9);
}
