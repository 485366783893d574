// SPDX-License-Identifier: MIT
#include <thread>

#include "capture/frame_cursor.hpp"
#include "pipeline/ring_feed.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"

using captured::pipeline::ring_feed;
using captured::test::numbered_frame;
using captured::test::scripted_source;

TEST_CASE("a feed that is closed is drained only when its last block was taken") {
  scripted_source source;
  ring_feed feed(source);
  CHECK_FALSE(feed.drained());
  source.produce({.data = numbered_frame(1, 64)});
  source.retire();
  CHECK(feed.offer_finished_blocks() == 1);
  feed.close();
  CHECK(feed.closed());
  CHECK_FALSE(feed.drained());
  CHECK(feed.peek().has_value());
  CHECK(feed.take().has_value());
  CHECK(feed.drained());
  CHECK_FALSE(feed.take().has_value());
}

TEST_CASE("every block of a ring fits its queue") {
  scripted_source source({.block_count = 7});
  ring_feed feed(source);
  for (int i = 0; i < 7; ++i) {
    source.produce({.data = numbered_frame(1, 64)});
    source.retire();
  }
  CHECK(feed.offer_finished_blocks() == 7);
}

TEST_CASE("blocks pass from one thread to another once and in order") {
  constexpr std::uint32_t packets = 20'000;
  scripted_source source({.block_count = 8});
  ring_feed feed(source);
  std::thread kernel_and_reactor([&] {
    for (std::uint32_t number = 0; number < packets;) {
      number += source.produce({.data = numbered_frame(number, 64)}) ? 1u : 0u;
      if (number % 10 == 0) {
        source.retire();
      }
      feed.offer_finished_blocks();
    }
    source.retire();
    feed.offer_finished_blocks();
    feed.close();
  });
  std::uint32_t expected = 0;
  std::uint32_t wrong = 0;
  while (!feed.drained()) {
    if (auto lease = feed.take()) {
      captured::capture::frame_cursor cursor(lease->memory());
      captured::packet::packet_view packet;
      while (cursor.next(packet)) {
        wrong += captured::test::number_of(packet.data) == expected++ ? 0u : 1u;
      }
    }
  }
  kernel_and_reactor.join();
  CHECK(expected == packets);
  CHECK(wrong == 0);
}
