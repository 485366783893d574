// SPDX-License-Identifier: MIT
//
// The recorder when ring or disk are in trouble.
#include <algorithm>
#include <numeric>

#include "pipeline/output_recorder.hpp"
#include "support/catch.hpp"
#include "support/recorder_rig.hpp"

using namespace std::chrono_literals;
using captured::storage::file_action;
using captured::test::memory_files;
using captured::test::numbers_to;
using captured::test::produce;
using captured::test::read_all;
using captured::test::read_back;
using captured::test::read_file;
using captured::test::recorder_rig;
using captured::test::rig_options;

TEST_CASE("a full ring drops in one place, and the gap is told by the packet behind it") {
  recorder_rig rig;
  rig.settle();
  rig.disk().stall();
  std::uint32_t dropped = 0;
  // The chunks of the output hold some 8 MiB: far more than that is offered.
  for (int burst = 0; burst < 4000; ++burst) {
    for (int i = 0; i < 30; ++i) {
      dropped += rig.produce() ? 0u : 1u;
    }
    rig.retire();
    rig.recorder().run(rig.now());
  }
  CHECK(dropped > 0);
  rig.disk().release();
  rig.pass(10ms);
  for (int burst = 0; burst < 10; ++burst) {
    produce(rig, 30);
    rig.retire();
    rig.pass(10ms);
  }
  rig.stop();
  const auto ledger = rig.ledger();
  CHECK(ledger.osdrop == dropped);
  CHECK(ledger.stored + ledger.osdrop == rig.produced());
  const read_back all = read_all(rig);
  CHECK(all.packets == ledger.stored);
  CHECK(all.dropcounts == dropped);
  CHECK(std::is_sorted(all.numbers.begin(), all.numbers.end()));
}

TEST_CASE("a disk that is full for a while costs nothing that the rings can hold") {
  rig_options options;
  options.output.files.preallocate = false;
  recorder_rig rig(options);
  rig.settle();
  rig.pass(1s);  // the head of the file is written
  rig.disk().set_capacity(rig.disk().used_bytes() + 500);
  produce(rig, 40);
  rig.retire();
  rig.settle();
  rig.pass(1s);
  CHECK(rig.troubles().size() == 1);
  CHECK(rig.recorder().in_trouble());
  rig.disk().set_capacity(1u << 30);
  rig.pass(1s);
  CHECK(rig.recoveries() == 1);
  rig.stop();
  CHECK(read_all(rig).numbers == numbers_to(40));
  CHECK(rig.ledger().osdrop == 0);
}

TEST_CASE("a stop with a dead disk ends in time and counts what it could not write") {
  recorder_rig rig;
  rig.settle();
  rig.pass(1s);  // the head of the file is written
  produce(rig, 20);
  rig.retire();
  rig.settle();
  rig.pass(1s);
  CHECK(rig.ledger().stored == 20);
  rig.disk().hang({.action = file_action::write, .times = memory_files::for_ever});
  produce(rig, 30);
  rig.retire();
  rig.pass(1s);
  produce(rig, 5);
  const auto before = rig.now().steady;
  rig.stop(10s);
  CHECK(rig.now().steady - before <= 11s);
  CHECK(rig.recorder().outcome().gave_up);
  CHECK(rig.ledger().stored == 20);
  CHECK(rig.ledger().unwritten == 35);
  CHECK(rig.ledger().balanced());
  CHECK(rig.closed().empty());
}

TEST_CASE("of a write that was taken in part, whole packets count as stored after a stop") {
  recorder_rig rig;
  rig.settle();
  rig.pass(1s);  // the head of the file is written
  rig.disk().shorten({.action = file_action::write}, 10 * 108 + 50);
  rig.disk().fail({.action = file_action::write, .nth = 2, .times = memory_files::for_ever}, EIO);
  produce(rig, 30);
  rig.retire();
  rig.pass(1s);
  rig.stop(2s);
  CHECK(rig.recorder().outcome().gave_up);
  CHECK(rig.ledger().balanced());
  const std::string part = rig.disk().names().back();
  CHECK(rig.ledger().stored == read_file(rig.disk().published(part).value()).packets);
  CHECK(rig.ledger().stored > 0);
  CHECK(rig.ledger().unwritten > 0);
}

TEST_CASE("any single act of the disk may fail once, and nothing is missing") {
  constexpr std::array kinds{file_action::create, file_action::publish, file_action::write,
                             file_action::finish, file_action::discard};
  for (const file_action kind : kinds) {
    for (std::uint64_t nth = 1; nth <= 6; ++nth) {
      INFO("act " << static_cast<int>(kind) << ", number " << nth);
      recorder_rig rig;
      rig.disk().fail({.action = kind, .nth = nth}, EIO);
      rig.settle();
      for (int turn = 0; turn < 4; ++turn) {
        produce(rig, 10);
        rig.retire();
        rig.pass(600ms);
        rig.recorder().rotate();
        rig.pass(600ms);
      }
      rig.stop();
      CHECK(read_all(rig).numbers == numbers_to(40));
      CHECK(rig.ledger().balanced());
      CHECK(rig.ledger().unwritten == 0);
    }
  }
}

TEST_CASE("a file whose octets the device refused never gets its final name") {
  recorder_rig rig;
  rig.settle();
  rig.disk().fail_forcing({.action = file_action::finish, .nth = 2}, EIO);
  for (int turn = 0; turn < 4; ++turn) {
    produce(rig, 10);
    rig.retire();
    rig.pass(600ms);
    rig.recorder().rotate();
    rig.pass(600ms);
  }
  rig.stop();
  REQUIRE(rig.closed().size() == 5);
  CHECK(rig.closed()[1].ends_with(".pcapng.damaged"));
  CHECK(std::ranges::count_if(
            rig.closed(), [](const std::string& name) { return name.ends_with(".pcapng"); }) == 4);
  REQUIRE(rig.unproven().size() == 1);
  CHECK(rig.unproven()[0].find("Input/output error") != std::string::npos);
  CHECK(rig.recorder().outcome().unproven);
  // What was taken counts as it was counted, and is still there to be looked at.
  CHECK(rig.ledger().stored == 40);
  CHECK(read_all(rig).numbers == numbers_to(40));
  CHECK(rig.recoveries() == rig.troubles().size());
}

TEST_CASE("a sync that fails ends the file at once, and it is set aside") {
  rig_options options;
  options.output.files.sync = {captured::storage::sync_policy::interval, 1000ms};
  recorder_rig rig(options);
  rig.settle();
  produce(rig, 10);
  rig.retire();
  rig.disk().fail_forcing({.action = file_action::sync}, EIO);
  for (int i = 0; i < 4; ++i) {
    rig.pass(600ms);
  }
  REQUIRE(rig.closed().size() == 1);
  CHECK(rig.closed()[0].ends_with(".pcapng.damaged"));
  CHECK(rig.unproven().size() == 1);
  produce(rig, 10);
  rig.retire();
  rig.pass(5s);
  rig.stop();
  CHECK(rig.closed().size() == 2);
  CHECK(rig.closed()[1].ends_with(".pcapng"));
  CHECK(rig.recorder().outcome().unproven);
  CHECK(read_all(rig).numbers == numbers_to(20));
}

TEST_CASE("no run in which the device refused nothing is said to be unproven") {
  recorder_rig rig;
  rig.settle();
  rig.disk().fail({.action = file_action::finish}, EIO);
  produce(rig, 10);
  rig.retire();
  rig.pass(1s);
  rig.stop();
  CHECK_FALSE(rig.recorder().outcome().unproven);
  CHECK(rig.closed()[0].ends_with(".pcapng"));
}

TEST_CASE("a file that somebody removes while it is written does not end the recording") {
  recorder_rig rig;
  rig.settle();
  produce(rig, 5);
  rig.retire();
  rig.pass(1s);
  for (const std::string& name : rig.disk().names()) {
    if (name.ends_with(".part")) {
      rig.disk().remove(name);
    }
  }
  rig.recorder().rotate();
  rig.pass(600ms);
  produce(rig, 7);
  rig.retire();
  rig.pass(600ms);
  rig.pass(600ms);
  rig.stop();
  CHECK_FALSE(rig.recorder().outcome().gave_up);
  CHECK(rig.closed().size() == 1);
  CHECK(read_all(rig).packets == 7);
  CHECK_FALSE(rig.troubles().empty());
}

TEST_CASE("a prepared file that somebody removes is made anew, and no packet is missing") {
  recorder_rig rig;
  rig.settle();
  for (const std::string& name : rig.disk().names()) {
    if (name.starts_with(".")) {
      rig.disk().remove(name);
    }
  }
  rig.recorder().rotate();
  for (int turn = 0; turn < 5; ++turn) {
    produce(rig, 4);
    rig.retire();
    rig.pass(600ms);
  }
  rig.stop();
  CHECK_FALSE(rig.recorder().outcome().gave_up);
  CHECK(rig.closed().size() == 2);
  CHECK(read_all(rig).numbers == numbers_to(20));
}

TEST_CASE("octets behind a failed write are not stored while the gap is there") {
  rig_options options;
  options.output.files.preallocate = false;
  recorder_rig rig(options);
  rig.settle();
  rig.pass(1s);  // the head of the file is written
  rig.disk().fail({.action = file_action::write, .times = 1}, ENOSPC);
  produce(rig, 6);
  rig.retire();
  rig.settle();
  rig.pass(1s);
  rig.disk().fail({.action = file_action::write, .nth = 2, .times = memory_files::for_ever}, EIO);
  produce(rig, 3);
  rig.retire();
  rig.settle();
  rig.pass(200ms);
  rig.stop(2s);
  CHECK(rig.ledger().balanced());
  const std::string part = rig.disk().names().back();
  REQUIRE(rig.recorder().outcome().gave_up);
  CHECK(rig.ledger().stored == read_file(rig.disk().published(part).value()).packets);
}

TEST_CASE("an existing file keeps its name and content") {
  rig_options options;
  recorder_rig probe(options);
  probe.settle();
  probe.stop();
  const std::string name = probe.closed().front();
  recorder_rig rig(options);
  const std::array<std::byte, 3> precious{std::byte{1}, std::byte{2}, std::byte{3}};
  rig.disk().put(name, precious);
  rig.settle();
  produce(rig, 4);
  rig.retire();
  rig.pass(1s);
  rig.stop();
  CHECK(rig.disk().contents(name)->size() == 3);
  REQUIRE(rig.closed().size() == 1);
  CHECK(rig.closed().front() != name);
  CHECK(read_all(rig).packets == 4);
}
