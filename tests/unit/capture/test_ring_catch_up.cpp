// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <unistd.h>

#include "capture/ring_catch_up.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"

using namespace captured;
using capture::catch_up;
using capture::left_ring_memory;
using test::numbered_frame;
using test::scripted_source;

namespace {

/// Blocks of 3 packets each.
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

/// The next block of the ring is begun with.
void begin(scripted_source& ring, std::uint64_t turn) {
  const auto index = ring.try_take();
  REQUIRE(index);
  capture::note_turn(ring.block_memory(*index), turn);
}

capture::ring_progress caught_up(scripted_source& ring, std::uint64_t packets,
                                 std::uint64_t turns_before = 0) {
  std::array rings{left_ring_memory{.memory = ring.memory(0), .progress = {}, .drops_total = 4}};
  catch_up(rings, 4096, turns_before, {.packets_total = packets, .losses_told = 4});
  return rings[0].progress;
}

bool is_at(const capture::ring_progress& now, std::uint64_t block, std::uint32_t packets,
           std::uint64_t packets_total) {
  return now.block == block && now.packets == packets && now.packets_total == packets_total;
}

}  // namespace

TEST_CASE("what is in the files already is passed over, block after block") {
  scripted_source ring({.block_count = 4});
  fill(ring, 3);
  for (const std::uint64_t turn : {1u, 2u, 3u}) {
    begin(ring, turn);
  }
  CHECK(is_at(caught_up(ring, 0), 1, 0, 0));
  CHECK(is_at(caught_up(ring, 2), 1, 2, 2));
  CHECK(is_at(caught_up(ring, 3), 2, 0, 3));
  CHECK(is_at(caught_up(ring, 7), 3, 1, 7));
  CHECK(caught_up(ring, 7).losses_told == 4);
}

TEST_CASE("never more is passed over than was begun with, and nothing is taken back") {
  scripted_source ring({.block_count = 4});
  fill(ring, 3);
  begin(ring, 8);
  begin(ring, 9);
  CHECK(is_at(caught_up(ring, 1000), 3, 0, 6));
  std::array kept{
      left_ring_memory{.memory = ring.memory(0),
                       .progress = {.block = 2, .packets = 1, .packets_total = 4, .losses_told = 9},
                       .drops_total = 9}};
  catch_up(kept, 4096, 0, {.packets_total = 2, .losses_told = 1});
  CHECK(is_at(kept[0].progress, 2, 1, 4));
  CHECK(kept[0].progress.losses_told == 9);
}

TEST_CASE("of several rings blocks are passed over in the order in which they were begun with") {
  scripted_source one({.block_count = 4});
  scripted_source other({.block_count = 4});
  fill(one, 3);
  fill(other, 2);
  begin(other, 1);
  begin(one, 2);
  begin(one, 3);
  begin(other, 4);  // the third block of `one` waits
  const auto after = [&](std::uint64_t packets) {
    std::array rings{left_ring_memory{.memory = one.memory(0), .progress = {}, .drops_total = 2},
                     left_ring_memory{.memory = other.memory(0), .progress = {}, .drops_total = 5}};
    catch_up(rings, 4096, 0, {.packets_total = packets, .losses_told = 6});
    CHECK(rings[0].progress.losses_told == 2);
    CHECK(rings[1].progress.losses_told == 4);
    return rings;
  };
  CHECK((is_at(after(2)[0].progress, 1, 0, 0) && is_at(after(2)[1].progress, 1, 2, 2)));
  CHECK((is_at(after(4)[0].progress, 1, 1, 1) && is_at(after(4)[1].progress, 2, 0, 3)));
  CHECK((is_at(after(10)[0].progress, 3, 0, 6) && is_at(after(10)[1].progress, 2, 1, 4)));
  CHECK((is_at(after(99)[0].progress, 3, 0, 6) && is_at(after(99)[1].progress, 3, 0, 6)));
}

TEST_CASE("to be interrupted and to begin again leads to the same") {
  scripted_source one({.block_count = 4});
  scripted_source other({.block_count = 4});
  fill(one, 2);
  fill(other, 2);
  begin(one, 1);
  begin(other, 2);
  begin(one, 3);
  begin(other, 4);
  for (std::uint64_t packets = 0; packets <= 12; ++packets) {
    std::array once{left_ring_memory{.memory = one.memory(0), .progress = {}},
                    left_ring_memory{.memory = other.memory(0), .progress = {}}};
    catch_up(once, 4096, 0, {.packets_total = packets, .losses_told = 0});
    for (const std::size_t noted : {0u, 1u}) {
      auto twice = once;
      twice[1 - noted].progress = {};  // only the progress of the other ring was noted
      catch_up(twice, 4096, 0, {.packets_total = packets, .losses_told = 0});
      for (const std::size_t ring : {0u, 1u}) {
        CHECK(is_at(twice[ring].progress, once[ring].progress.block, once[ring].progress.packets,
                    once[ring].progress.packets_total));
      }
    }
  }
}

TEST_CASE("turns of an earlier life do not count, and those of the next are higher") {
  scripted_source ring({.block_count = 4});
  fill(ring, 3);
  begin(ring, 5);
  begin(ring, 7);
  CHECK(capture::newest_turn(ring.memory(0), 4096) == 7);
  CHECK(is_at(caught_up(ring, 6, 7), 1, 0, 0));
  CHECK(is_at(caught_up(ring, 6, 4), 3, 0, 6));
}

TEST_CASE("the time of a block's last packet is no turn, and a new filling takes a turn away") {
  scripted_source ring({.block_count = 2});
  fill(ring, 2);
  CHECK_FALSE(capture::turn_of(ring.block_memory(0)));
  CHECK(capture::newest_turn(ring.memory(0), 4096) == 0);
  begin(ring, 1);
  CHECK(capture::turn_of(ring.block_memory(0)) == 1u);
  ring.release(0);
  fill(ring, 1);
  CHECK_FALSE(capture::turn_of(ring.block_memory(0)));
}

TEST_CASE("a ring fits its journal when each block is where the kernel puts it") {
  scripted_source ring({.block_count = 4});
  const auto fits = [&ring](std::uint64_t block) {
    return capture::fits_progress({.memory = ring.memory(0), .progress = {.block = block}}, 4096);
  };
  fill(ring, 4);
  CHECK(fits(1));
  CHECK(fits(3));  // two are to be given back
  CHECK(fits(5));
  CHECK_FALSE(fits(6));  // the second one would be one of the future
  CHECK_FALSE(fits(9));
  ring.release(ring.try_take().value());
  fill(ring, 1);
  CHECK(fits(2));
  CHECK_FALSE(fits(1));
  std::fill_n(ring.block_memory(2).begin() + 24, 8, std::byte{0});  // its number
  CHECK_FALSE(fits(2));
}

namespace {

/// Another life goes on with kernel and journal, and asks first what was lost meanwhile.
scripted_source next_life(scripted_source& of) {
  auto journal =
      capture::ring_journal::take_over(base::unique_fd(::dup(of.journal()->fd()))).value();
  const auto counted = of.kernel()->read_counters();
  journal.room_for_counters() = {
      .packets = counted.packets, .drops = counted.drops, .freezes = counted.freezes};
  journal.add_counted();
  return scripted_source(of.kernel(), std::move(journal));
}

void drop(scripted_source& ring, int packets) {
  const auto frame = numbered_frame(0, 60);
  for (int i = 0; i < packets; ++i) {
    REQUIRE_FALSE(ring.produce({.timestamp_ns = 1, .data = frame}));
  }
}

}  // namespace

TEST_CASE("what a full ring lost while nobody took from it lies behind its newest block") {
  const auto kernel =
      std::make_shared<test::scripted_kernel>(test::scripted_options{.block_count = 4});
  scripted_source former(kernel, capture::ring_journal::make().value());
  const bool is_one_noted = GENERATE(false, true);
  INFO(is_one_noted);
  fill(former, 4);
  drop(former, 5);
  if (is_one_noted) {
    former.journal()->note_given_back(1, 3, 0);  // and then it was killed
  }
  scripted_source next = next_life(former);
  if (!is_one_noted) {
    const auto first = next.try_take();
    CHECK(next.losses_before(first.value()) == 0);
    next.release(*first);
  }
  fill(next, 1);  // the first block anew
  for (const std::uint32_t index : {1u, 2u, 3u, 0u}) {
    REQUIRE(next.try_take() == index);
    CHECK(next.losses_before(index) == (index == 0 ? 5 : 0));
    next.release(index);
  }
  CHECK(next.journal()->progress().losses_told == 5);
  CHECK(next.statistics().drops_total == 5);
}

TEST_CASE("what was lost before a ring had room again is told before the oldest packet") {
  scripted_source former(
      std::make_shared<test::scripted_kernel>(test::scripted_options{.block_count = 4}),
      capture::ring_journal::make().value());
  fill(former, 2);
  former.lose(5);
  scripted_source next = next_life(former);
  const auto first = next.try_take();
  CHECK(next.losses_before(first.value()) == 5);
}
