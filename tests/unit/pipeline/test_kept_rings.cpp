// SPDX-License-Identifier: MIT
//
// Rings that outlive the recorder: a block goes back only when its packets, and all before them,
// are written, and what is told to the next life adds up.
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
