// SPDX-License-Identifier: MIT
#include <algorithm>
#include <numeric>

#include "pipeline/output_recorder.hpp"
#include "support/catch.hpp"
#include "support/recorder_rig.hpp"

using namespace std::chrono_literals;
using captured::test::numbers_to;
using captured::test::produce;
using captured::test::read_all;
using captured::test::read_back;
using captured::test::read_file;
using captured::test::recorder_rig;
using captured::test::rig_options;

TEST_CASE("every packet is in the file once and in order, and the ledger balances") {
  recorder_rig rig;
  rig.settle();
  for (int burst = 0; burst < 20; ++burst) {
    produce(rig, 30);
    rig.retire();
    rig.pass(10ms);
  }
  rig.stop();
  CHECK(rig.closed().size() == 1);
  CHECK(read_all(rig).numbers == numbers_to(600));
  CHECK(rig.ledger().stored == 600);
  CHECK(rig.ledger().filteraccept == 600);
  CHECK(rig.ledger().osdrop == 0);
  CHECK_FALSE(rig.recorder().outcome().gave_up);
  CHECK(rig.disk().names().size() == 1);  // no prepared file is left behind
}

TEST_CASE("a recording without packets is one whole file with statistics") {
  recorder_rig rig;
  rig.settle();
  rig.stop();
  REQUIRE(rig.closed().size() == 1);
  const read_back file = read_all(rig);
  CHECK(file.packets == 0);
  CHECK(file.statistics_blocks == 1);
}

TEST_CASE("a packet reaches the open file within the flush interval") {
  recorder_rig rig;
  rig.settle();
  produce(rig, 3);
  rig.retire();
  rig.pass(999ms);
  const std::string part = rig.disk().names().back();
  CHECK(read_file(rig.disk().contents(part).value()).packets == 0);
  rig.pass(1ms);
  CHECK(read_file(rig.disk().contents(part).value()).packets == 3);
}

TEST_CASE("rotation by command loses and repeats nothing and every file says its statistics") {
  rig_options options;
  options.interfaces = 2;
  recorder_rig rig(options);
  rig.settle();
  for (int turn = 0; turn < 50; ++turn) {
    for (std::size_t i = 0; i < 2; ++i) {
      produce(rig, 7, i);
      rig.retire(i);
    }
    rig.recorder().rotate();
    rig.pass(20ms);
  }
  rig.stop();
  CHECK(rig.closed().size() == 51);
  const read_back all = read_all(rig);
  CHECK(all.packets == 700);
  CHECK(all.statistics_blocks == 102);
  CHECK(rig.ledger(0).stored == 350);
  CHECK(rig.ledger(1).stored == 350);
}

TEST_CASE("a limit on packets cuts inside a ring block, exactly") {
  rig_options options;
  options.output.files.rotate.packets = 10;
  recorder_rig rig(options);
  rig.settle();
  produce(rig, 25);
  rig.retire();
  rig.pass(10ms);
  produce(rig, 10);
  rig.retire();
  rig.pass(10ms);
  rig.stop();
  std::vector<std::uint64_t> counts;
  for (const std::string& name : rig.closed()) {
    counts.push_back(read_file(rig.disk().contents(name).value()).packets);
  }
  CHECK(counts == std::vector<std::uint64_t>{10, 10, 10, 5});
  CHECK(read_all(rig).numbers == numbers_to(35));
}

TEST_CASE("no file grows above the limit on size, and few are made") {
  rig_options options;
  options.output.files.rotate.size_bytes = 20'000;
  options.output.files.preallocate = false;
  recorder_rig rig(options);
  rig.settle();
  for (int burst = 0; burst < 40; ++burst) {
    produce(rig, 20);
    rig.retire();
    rig.pass(10ms);
  }
  rig.stop();
  for (const std::string& name : rig.closed()) {
    CHECK(rig.disk().contents(name)->size() <= 20'000);
  }
  CHECK(rig.closed().size() >= 4);
  CHECK(rig.closed().size() <= 8);
  CHECK(read_all(rig).numbers == numbers_to(800));
}

TEST_CASE("the interval closes files at the wall clock's multiples, also without packets") {
  rig_options options;
  options.output.files.rotate.interval = 60s;
  recorder_rig rig(options);
  rig.settle();
  for (int second = 0; second < 200; ++second) {
    rig.pass(1s);
  }
  CHECK(rig.closed().size() == 3);
  rig.stop();
  CHECK(rig.closed().size() == 4);
}

TEST_CASE("empty files can be left out, and a late packet still gets a whole interval's file") {
  rig_options options;
  options.output.files.rotate.interval = 60s;
  options.output.files.rotate.skip_empty = true;
  recorder_rig rig(options);
  rig.settle();
  for (int second = 0; second < 200; ++second) {
    rig.pass(1s);
  }
  CHECK(rig.closed().empty());
  produce(rig, 1);
  rig.retire();
  rig.pass(1s);
  CHECK(rig.closed().empty());
  rig.pass(60s);
  CHECK(rig.closed().size() == 1);
}

TEST_CASE("while nothing can be done the recorder does not ask to be woken at once") {
  recorder_rig rig;
  rig.settle();
  rig.disk().stall();
  produce(rig, 30);
  rig.retire();
  rig.recorder().rotate();
  for (int i = 0; i < 100; ++i) {
    rig.pass(1s);
    CHECK(rig.recorder().wake_at(rig.now()) > rig.now().steady);
  }
}

TEST_CASE("an idle output wakes no more than twice a second") {
  recorder_rig rig;
  rig.settle();
  int wakes = 0;
  const auto end = rig.now().steady + 60s;
  while (rig.now().steady < end) {
    rig.pass(rig.recorder().wake_at(rig.now()) - rig.now().steady);
    ++wakes;
  }
  CHECK(wakes <= 120);
}
