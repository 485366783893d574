// SPDX-License-Identifier: MIT
//
// Rings that outlive the recorder: a block goes back only when its packets, and all before them,
// are written, and what is told to the next life adds up.
#include <algorithm>
#include <array>
#include <cerrno>

#include <unistd.h>

#include "capture/frame_cursor.hpp"
#include "capture/ring_catch_up.hpp"
#include "pipeline/left_off.hpp"
#include "support/catch.hpp"
#include "support/recorder_rig.hpp"

using namespace captured;
using namespace std::chrono_literals;
using test::numbers_to;
using test::read_all;
using test::recorder_rig;
using test::rig_options;

namespace {

rig_options kept(std::size_t interfaces = 1) {
  rig_options options{.interfaces = interfaces,
                      .ring = {.block_count = 8, .block_bytes = 4096},
                      .where = pipeline::placement::paged,
                      .is_ring_kept = true};
  options.output.flush_interval = 1000ms;
  return options;
}

}  // namespace

TEST_CASE("a block of a ring that is kept goes back when its packets are written, not before") {
  recorder_rig rig(kept());
  rig.settle();
  const std::uint64_t before = rig.ring(0).releases();
  produce(rig, 5);
  rig.retire();
  rig.pass(1ms);
  CHECK(rig.ledger().stored == 0);
  CHECK(rig.ring(0).releases() == before);
  rig.pass(1s);
  CHECK(rig.ledger().stored == 5);
  CHECK(rig.ring(0).releases() == before + 1);
}

TEST_CASE("of a ring that is kept no block is written as it lies") {
  auto options = kept();
  options.ring.block_bytes = 16384;
  recorder_rig rig(options);
  rig.settle();
  for (int i = 0; i < 8; ++i) {
    rig.produce(0, 1500);
  }
  rig.retire();
  rig.pass(2s);
  rig.stop();
  CHECK(rig.ledger().stored == 8);
  CHECK(read_all(rig).numbers == numbers_to(8));
}

TEST_CASE("a ring that is half held has its packets written at once") {
  recorder_rig rig(kept());
  rig.settle();
  for (int block = 0; block < 4; ++block) {
    produce(rig, 5);
    rig.retire();
    rig.settle();
  }
  CHECK(rig.ledger().stored == 20);
}

TEST_CASE("a ring that is handed over leaves a ledger that balances without what it holds") {
  recorder_rig rig(kept(2));
  rig.settle();
  produce(rig, 7);
  produce(rig, 3, 1);
  rig.retire_all();
  rig.recorder().stop(rig.now().steady + 10s);
  rig.settle();
  rig.hand_over_feeds();
  produce(rig, 2);  // behind the last look: for the next life
  rig.settle();
  CHECK(rig.recorder().outcome().ended);
  for (const std::size_t interface : {0u, 1u}) {
    const auto ledger = rig.ledger(interface);
    CHECK(ledger.balanced());
    CHECK(ledger.stored == (interface == 0 ? 7 : 3));
  }
}

TEST_CASE("the disk gets nothing of a file before it has the one before") {
  auto options = kept();
  options.output.files.rotate.packets = 5;
  options.delivery = test::memory_files::delivery::manual;
  recorder_rig rig(options);
  rig.settle();
  for (int i = 0; i < 6; ++i) {
    produce(rig, 5);
    rig.retire();
    rig.pass(1s);
  }
  rig.stop();
  CHECK(rig.ledger().stored == 30);
  CHECK(read_all(rig).numbers == numbers_to(30));
}

TEST_CASE("how far a ring was dealt with is the growth of the recording's totals") {
  const capture::ring_use use{
      .packets_before = 100, .losses_before = 7, .packets_recorded = 40, .losses_recorded = 2};
  const auto dealt = pipeline::dealt_with_of(use, {.stored = 50, .osdrop = 5, .unwritten = 1});
  CHECK(dealt.packets_total == 111);
  CHECK(dealt.losses_told == 10);
  const auto none = pipeline::dealt_with_of(use, {});
  CHECK(none.packets_total == 100);
  CHECK(none.losses_told == 7);
}

TEST_CASE("what the files have beyond what a recording counted at its end is in no ledger") {
  capture::ring_use use{.packets_recorded = 40, .packets_counted = 50};
  CHECK(pipeline::in_no_ledger(use, {.stored = 55, .unwritten = 2}) == 0);  // it was killed
  use.is_counted = 1;
  CHECK(pipeline::in_no_ledger(use, {.stored = 55, .unwritten = 2}) == 7);
  CHECK(pipeline::in_no_ledger(use, {.stored = 48, .unwritten = 2}) == 0);
  CHECK(pipeline::in_no_ledger(use, {}) == 0);
}

namespace {

/// What another life finds in the ring, when it has so many packets in its files.
std::vector<std::uint32_t> numbers_left(test::scripted_source& of, std::uint64_t in_files) {
  auto journal = capture::ring_journal::take_over(base::unique_fd(::dup(of.journal()->fd())));
  REQUIRE(journal.has_value());
  std::array rings{capture::left_ring_memory{.memory = of.kernel()->memory(),
                                             .progress = journal->progress(),
                                             .drops_total = journal->sums().drops_total}};
  capture::catch_up(rings, of.kernel()->options().block_bytes, 0, {.packets_total = in_files});
  journal->set_progress(rings[0].progress);
  test::scripted_source next(of.kernel(), std::move(*journal));
  std::vector<std::uint32_t> numbers;
  while (const auto index = next.try_take()) {
    capture::frame_cursor frames(next.block_memory(*index));
    packet::packet_view packet;
    for (std::uint32_t i = 0; frames.next(packet); ++i) {
      if (i >= next.packets_done(*index)) {
        numbers.push_back(test::number_of(packet.data).value());
      }
    }
  }
  return numbers;
}

std::vector<std::uint32_t> numbers_from(std::uint32_t first, std::uint32_t end) {
  auto numbers = numbers_to(end);
  numbers.erase(numbers.begin(), numbers.begin() + first);
  return numbers;
}

}  // namespace

TEST_CASE("a file that is given up gives its blocks back in their order, also those it lacks yet") {
  auto options = kept();
  options.delivery = test::memory_files::delivery::manual;
  recorder_rig rig(options);
  rig.settle();
  rig.disk(0).fail({.action = storage::file_action::write, .times = test::memory_files::for_ever},
                   EIO);
  produce(rig, 5);
  rig.retire();
  rig.settle();
  rig.pass(1s);
  REQUIRE(rig.troubles().size() == 1);
  produce(rig, 3);
  rig.retire();
  rig.settle();
  REQUIRE(rig.ring(0).releases() == 0);
  rig.recorder().lose(0, base::system_failure(ENOENT, "look at it"), rig.now());
  rig.attach(0, 1);
  rig.settle();
  CHECK(rig.ledger().unwritten == 8);
  CHECK(rig.ring(0).journal()->progress().packets_total == 8);
  CHECK(rig.ring(0).journal()->progress().block == 3);
  produce(rig, 2);
  rig.retire();
  rig.settle();
  rig.pass(2s);
  CHECK(rig.ledger().stored == 2);
  CHECK(rig.ring(0).journal()->progress().packets_total == 10);
}

TEST_CASE("of two files that are given up the older one goes first") {
  auto options = kept();
  options.delivery = test::memory_files::delivery::manual;
  recorder_rig rig(options);
  rig.settle();
  produce(rig, 5);
  rig.retire();
  rig.disk(0).hang({.action = storage::file_action::write});
  rig.pass(1s);  // on its way to a folder that is going to be gone
  rig.recorder().lose(0, base::system_failure(ENOENT, "look at it"), rig.now());
  rig.attach(0, 1);
  rig.disk(1).fail({.action = storage::file_action::publish, .times = test::memory_files::for_ever},
                   ENOSPC);
  rig.settle();
  produce(rig, 3);
  rig.retire();
  rig.settle();
  rig.pass(1s);
  rig.recorder().lose(0, base::system_failure(ENOENT, "look at it"), rig.now());
  rig.attach(0, 1);
  rig.pass(2s);
  REQUIRE(std::ranges::count_if(rig.troubles(), [](const std::string& one) {
            return one.starts_with("name /second/");
          }) == 2);
  CHECK(rig.ring(0).releases() == 0);
  CHECK(rig.ring(0).journal()->progress().packets_total == 0);
}

TEST_CASE("no file begins before it is known what one that is given up behind another has cost") {
  auto options = kept();
  options.delivery = test::memory_files::delivery::manual;
  recorder_rig rig(options);
  rig.settle();
  produce(rig, 5);
  rig.retire();
  rig.settle();
  rig.disk(0).stall();
  rig.pass(1s);  // on its way to a folder that is going to be gone
  rig.recorder().lose(0, base::system_failure(ENOENT, "look at it"), rig.now());
  rig.disk(1).fail({.action = storage::file_action::publish, .times = test::memory_files::for_ever},
                   ENOSPC);
  rig.attach(0, 1);
  rig.settle();
  produce(rig, 3);
  rig.retire();
  rig.settle();
  rig.pass(1s);
  rig.recorder().lose(0, base::system_failure(ENOENT, "look at it"), rig.now());
  rig.disk(1).clear_faults();
  rig.attach(0, 1);
  rig.settle();
  CHECK(rig.recorder().current_name().empty());
  rig.disk(0).release();
  rig.settle();
  CHECK_FALSE(rig.recorder().current_name().empty());
  rig.stop();
  CHECK(rig.ledger().stored == 5);
  CHECK(rig.ledger().unwritten == 3);
  CHECK(rig.ring(0).journal()->progress().packets_total == 8);
}

TEST_CASE("what the disk does not take before the stop has to end is left in the ring") {
  recorder_rig rig(kept());
  rig.settle();
  produce(rig, 5);
  rig.retire();
  rig.settle();
  rig.pass(2s);
  REQUIRE(rig.ledger().stored == 5);
  rig.disk(0).stall();
  for (int block = 0; block < 6; ++block) {
    produce(rig, 5);
    rig.retire();
    rig.pass(400ms);
  }
  const auto before = rig.ring(0).journal()->progress();
  const std::uint64_t releases = rig.ring(0).releases();
  rig.recorder().stop(rig.now().steady + 1s);
  rig.settle();
  produce(rig, 2);
  rig.hand_over_feeds();
  rig.pass(2s);
  REQUIRE(rig.recorder().outcome().gave_up);
  CHECK(rig.ring(0).releases() == releases);
  CHECK(rig.ring(0).journal()->progress().packets_total == before.packets_total);
  const auto row = rig.ledger();
  CHECK(row.balanced());
  CHECK(row.stored == 5);
  CHECK(row.unwritten == 0);
  rig.ring(0).retire();
  CHECK(numbers_left(rig.ring(0), 5) == numbers_from(5, 37));
}

TEST_CASE("a ring that is not handed over loses what the disk does not take in time, and says so") {
  recorder_rig rig(kept());
  rig.settle();
  rig.disk(0).stall();
  produce(rig, 5);
  rig.retire();
  rig.settle();
  rig.recorder().stop(rig.now().steady + 1s);
  rig.close_feeds();
  rig.pass(2s);
  REQUIRE(rig.recorder().outcome().gave_up);
  CHECK(rig.ledger().unwritten == 5);
  CHECK(rig.ledger().balanced());
  CHECK(rig.ring(0).journal()->progress().packets_total == 5);
}
