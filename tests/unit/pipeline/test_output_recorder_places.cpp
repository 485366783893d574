// SPDX-License-Identifier: MIT
//
// A recorder whose folders fail, fill, go and come back, on disks in memory.
#include <algorithm>

#include "pipeline/limits.hpp"
#include "pipeline/output_recorder.hpp"
#include "support/catch.hpp"
#include "support/recorded_folders.hpp"

using namespace std::chrono_literals;
using namespace captured;
using storage::file_action;
using test::complaints;
using test::memory_files;
using test::packets_in;
using test::packets_in_parts;
using test::read_file;
using test::record;
using test::recorder_rig;
using test::reports;
using test::rig_options;
using test::strings;
using test::with_fallback;

TEST_CASE("while the first folder fails the recording goes on in the second, and then comes back") {
  recorder_rig rig(with_fallback());
  record(rig, 5);
  REQUIRE(rig.recorder().place() == 0);
  rig.disk(0).fail({.times = memory_files::for_ever}, EIO);
  record(rig, 20);
  CHECK(rig.recorder().place() == 1);
  CHECK(rig.moves() == strings{"1 Input/output error"});
  CHECK_FALSE(rig.recorder().trouble_of(0, rig.now().steady).empty());
  CHECK(rig.tests_wanted(0));
  CHECK(rig.ledger().stored > 25);
  rig.disk(0).clear_faults();
  rig.recorder().set_works(0, true);
  record(rig, 10);
  CHECK(rig.recorder().place() == 0);
  CHECK_FALSE(rig.tests_wanted(0));
  rig.stop();
  CHECK(rig.ledger().stored == 175);
  CHECK(rig.ledger().osdrop == 0);
  CHECK(packets_in(rig) == 175);
  CHECK(complaints(rig) == strings{});
  CHECK(reports(rig).size() == 3);
}

TEST_CASE("a folder is left before it is quite full, and nothing waits there") {
  auto options = with_fallback();
  recorder_rig rig(options);
  rig.disk(0).set_capacity(100'000);
  for (int i = 0; i < 200 && rig.recorder().place() == 0; ++i) {
    record(rig, 1);
  }
  CHECK(rig.recorder().place() == 1);
  CHECK(rig.troubles().empty());
  rig.stop();
  CHECK_FALSE(rig.recorder().outcome().gave_up);
  CHECK(rig.ledger().unwritten == 0);
  CHECK(packets_in(rig) == rig.ledger().stored);
  CHECK(complaints(rig) == strings{});
}

TEST_CASE("a folder that gives no answer is left, and gets what it was given when it does") {
  recorder_rig rig(with_fallback());
  record(rig, 5);
  rig.disk(0).stall();
  record(rig, 5);
  CHECK(rig.recorder().place() == 0);
  record(rig, 15);
  CHECK(rig.recorder().place() == 1);
  rig.disk(0).release();
  rig.recorder().set_works(0, true);
  record(rig, 10);
  CHECK(rig.recorder().place() == 0);
  rig.stop();
  CHECK(rig.ledger().stored == rig.produced());
  CHECK(packets_in(rig) == rig.produced());
  CHECK(complaints(rig) == strings{});
}

TEST_CASE("the only folder goes: its file is closed, packets wait, and go on in the new one") {
  auto options = with_fallback();
  options.has_fallback = false;
  recorder_rig rig(options);
  record(rig, 5);
  rig.recorder().lose(0, base::system_failure(ENOENT, "look at it"), rig.now());
  record(rig, 5);
  CHECK(rig.closed().size() == 1);
  CHECK(rig.ledger().stored == 25);
  CHECK(rig.left() == std::vector<std::uint32_t>{0});
  // Another folder, as after a disk was mounted.
  rig.attach(0, 1);
  record(rig, 5);
  CHECK(rig.ledger().stored >= 65);
  rig.stop();
  CHECK(packets_in(rig) == 75);
  CHECK(complaints(rig) == strings{});
}

TEST_CASE(
    "a folder that failed before it went keeps its file for repair, and the rest is counted") {
  auto options = with_fallback();
  options.has_fallback = false;
  recorder_rig rig(options);
  record(rig, 5);
  rig.disk(0).fail({.times = memory_files::for_ever}, EIO);
  record(rig, 5);
  REQUIRE(rig.ledger().stored >= 15);
  rig.recorder().lose(0, base::system_failure(EIO, "look at it"), rig.now());
  record(rig, 2);
  rig.attach(0, 1);
  record(rig, 5);
  rig.stop();
  const auto row = rig.ledger();
  CHECK(row.unwritten > 0);
  CHECK(row.stored + row.unwritten + row.osdrop == rig.produced());
  // The part stays where it was, with what was stored there.
  const auto names = rig.disk(0).names();
  const auto part = std::ranges::find_if(
      names, [](const std::string& name) { return name.ends_with(".pcapng.part"); });
  REQUIRE(part != names.end());
  CHECK(read_file(*rig.disk(0).contents(*part)).packets + packets_in(rig) == row.stored);
  CHECK(complaints(rig) == strings{});
}

TEST_CASE("a file that was given up is neither cut nor named when its writes succeed after all") {
  auto options = with_fallback();
  options.has_fallback = false;
  recorder_rig rig(options);
  record(rig, 5);
  rig.disk(0).fail({.action = file_action::write}, EIO);
  record(rig, 1);
  rig.disk(0).stall();
  record(rig, 3);  // it is tried again, and hangs
  rig.recorder().lose(0, base::system_failure(EIO, "look at it"), rig.now());
  rig.attach(0, 1);
  record(rig, 1);
  rig.disk(0).release();
  record(rig, 5);
  rig.stop();
  const auto row = rig.ledger();
  CHECK(row.stored + row.unwritten + row.osdrop == rig.produced());
  const auto names = rig.disk(0).names();
  REQUIRE(names.size() == 1);
  REQUIRE(names.front().ends_with(".pcapng.part"));
  const std::uint64_t left = read_file(*rig.disk(0).contents(names.front())).packets;
  CHECK(left >= 25);
  CHECK(left + packets_in(rig) == row.stored);
  CHECK(complaints(rig) == strings{});
}

TEST_CASE("a disk that fails after its folder went is let go of, so that it can be checked") {
  auto options = with_fallback();
  options.has_fallback = false;
  recorder_rig rig(options);
  record(rig, 5);
  rig.disk(0).fail({.action = file_action::write, .times = memory_files::for_ever}, EROFS);
  record(rig, 2);
  rig.recorder().lose(0, base::system_failure(ENOENT, "look at it"), rig.now());
  record(rig, 5);
  CHECK(rig.left().empty());
  record(rig, 60);
  CHECK(rig.left() == std::vector<std::uint32_t>{0});
  rig.attach(0, 1);
  record(rig, 5);
  rig.stop();
  const auto row = rig.ledger();
  CHECK(row.stored + row.unwritten + row.osdrop == rig.produced());
  CHECK(packets_in(rig) + packets_in_parts(rig) == row.stored);
  CHECK(complaints(rig) == strings{});
}

TEST_CASE("a next file that could not be removed from a folder that went holds up no repair") {
  auto options = with_fallback();
  options.has_fallback = false;
  recorder_rig rig(options);
  for (std::uint32_t times = 1; times <= 2 * storage::open_files_max; ++times) {
    record(rig, 3);
    rig.disk(0).fail({.action = file_action::discard}, EACCES);
    rig.recorder().lose(0, base::system_failure(ENOENT, "look at it"), rig.now());
    rig.pass(10ms);
    rig.attach(0, 0);  // before the removal is tried again
    record(rig, 5);
    CHECK(rig.left().size() == times);
  }
  rig.stop();
  CHECK(rig.ledger().stored == rig.produced());
  CHECK(packets_in(rig) == rig.produced());
  CHECK(complaints(rig) == strings{});
}

TEST_CASE("a folder that went is let go of, though nothing is recorded any more") {
  auto options = with_fallback();
  options.has_fallback = false;
  recorder_rig rig(options);
  record(rig, 5);
  rig.recorder().remove("if0", "the device was removed");
  rig.close_feed(0);
  rig.pass(10ms);
  REQUIRE(rig.released().size() == 1);
  rig.recorder().lose(0, base::system_failure(ENOENT, "look at it"), rig.now());
  rig.attach(0, 1);
  rig.pass(1s);
  CHECK(rig.left() == std::vector<std::uint32_t>{0});
  CHECK(rig.closed().size() == 1);
  rig.bring_back(0, options.ring);
  record(rig, 5);
  rig.stop();
  CHECK(packets_in(rig) == rig.produced());
  CHECK(complaints(rig) == strings{});
}

TEST_CASE("a file that is ready tells its own number, also when a folder comes with higher ones") {
  recorder_rig rig(with_fallback());
  record(rig, 5);
  REQUIRE(rig.disk(0).contents(storage::prepared_name("main", 2)));
  rig.recorder().lose(1, base::system_failure(ENOENT, "look at it"), rig.now());
  const std::shared_ptr<storage::file_operations> files(&rig.disk(1),
                                                        [](storage::file_operations*) {});
  rig.recorder().attach(1, {.files = files, .directory = "/second", .next_sequence = 7}, rig.now());
  record(rig, 5);
  CHECK_FALSE(rig.disk(0).contents(storage::prepared_name("main", 2)));
  CHECK(rig.disk(0).contents(storage::prepared_name("main", 7)));
  rig.stop();
  CHECK(packets_in(rig) == rig.produced());
}

TEST_CASE("a first folder that failed, went and is back is used again") {
  recorder_rig rig(with_fallback());
  record(rig, 5);
  rig.disk(0).fail({.times = memory_files::for_ever}, EIO);
  record(rig, 20);
  REQUIRE(rig.recorder().place() == 1);
  rig.recorder().lose(0, base::system_failure(EIO, "look at it"), rig.now());
  record(rig, 5);
  rig.disk(0).clear_faults();
  rig.attach(0, 0);
  rig.recorder().set_works(0, true);
  record(rig, 10);
  CHECK(rig.recorder().place() == 0);
  CHECK_FALSE(rig.recorder().in_trouble());
  CHECK(rig.recorder().trouble_of(0, rig.now().steady).empty());
  rig.stop();
  CHECK(rig.ledger().stored + rig.ledger().unwritten == rig.produced());
  // The file in the fallback was begun before it was known what the first one has cost.
  const auto said = complaints(rig);
  REQUIRE(said.size() == 1);
  CHECK(said.front().ends_with(
      "if0: 35 packets that were counted as stored were not taken by the disk after all"));
}

TEST_CASE(
    "a first folder that hung, went and is back is used again, though the former still hangs") {
  recorder_rig rig(with_fallback());
  record(rig, 5);
  rig.disk(0).hang({.times = memory_files::for_ever});
  record(rig, 20);
  REQUIRE(rig.recorder().place() == 1);
  rig.recorder().lose(0, base::system_failure(EIO, "look at it"), rig.now());
  record(rig, 5);
  rig.disk(0).clear_faults();  // for what is asked from now on
  rig.attach(0, 0);
  rig.recorder().set_works(0, true);
  record(rig, 30);
  CHECK(rig.recorder().place() == 0);
  CHECK(rig.moves().size() == 2);
  rig.stop();
  CHECK(rig.ledger().stored + rig.ledger().unwritten + rig.ledger().osdrop == rig.produced());
}

TEST_CASE(
    "a file that can still be closed is, though another one of its folder could not be made") {
  auto options = with_fallback();
  options.has_fallback = false;
  recorder_rig rig(options);
  record(rig, 5);
  rig.recorder().rotate();
  record(rig, 2);
  rig.disk(0).fail({.action = file_action::create, .times = memory_files::for_ever}, ENOSPC);
  rig.recorder().rotate();
  record(rig, 2);
  REQUIRE_FALSE(rig.troubles().empty());
  rig.disk(0).stall();
  record(rig, 1);
  rig.recorder().lose(0, base::system_failure(ENOENT, "look at it"), rig.now());
  record(rig, 1);
  rig.attach(0, 1);
  rig.disk(0).release();
  record(rig, 5);
  rig.stop();
  CHECK(rig.ledger().stored == rig.produced());
  CHECK(packets_in(rig) == rig.produced());
  CHECK(complaints(rig) == strings{});
}

TEST_CASE("a folder that takes long to force what it has to the device is not left") {
  auto options = with_fallback();
  options.output.files.sync = {storage::sync_policy::interval, 1s};
  recorder_rig rig(options);
  record(rig, 4);
  rig.disk(0).stall();
  record(rig, 15);  // the sync is under way, and writes wait behind it
  CHECK(rig.recorder().place() == 0);
  rig.pass(pipeline::limits::sync_patience);
  record(rig, 2);
  CHECK(rig.recorder().place() == 1);
  rig.disk(0).release();
  rig.recorder().set_works(0, true);
  record(rig, 10);
  CHECK(rig.recorder().place() == 0);
  rig.stop();
  CHECK(packets_in(rig) == rig.produced());
  CHECK(complaints(rig) == strings{});
}
