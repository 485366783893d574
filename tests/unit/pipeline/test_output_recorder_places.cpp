// SPDX-License-Identifier: MIT
//
// A recorder whose folders fail, fill, go and come back, on disks in memory.
#include <algorithm>
#include <random>

#include "format/verification.hpp"
#include "pipeline/limits.hpp"
#include "pipeline/output_recorder.hpp"
#include "support/catch.hpp"
#include "support/recorder_rig.hpp"

using namespace std::chrono_literals;
using namespace captured;
using storage::file_action;
using test::memory_files;
using test::produce;
using test::read_file;
using test::recorder_rig;
using test::rig_options;

namespace {

rig_options with_fallback() {
  rig_options options;
  options.has_fallback = true;
  options.output.files.preallocate = false;
  options.output.files.rotate.interval = 0s;
  options.output.files.retain = {0, 0, 0, 0s, 0};
  options.output.flush_interval = 50ms;
  options.ring.block_count = 256;
  return options;
}

/// Some traffic over some time.
void record(recorder_rig& rig, int turns = 20) {
  for (int i = 0; i < turns; ++i) {
    produce(rig, 5);
    rig.retire();
    rig.pass(200ms);
  }
}

/// All finished files of both places as `capturectl verify` sees them.
std::vector<format::file_report> reports(recorder_rig& rig) {
  class source final : public format::octet_source {
   public:
    explicit source(std::span<const std::byte> octets) : rest_(octets) {}
    base::result<std::size_t> read(std::span<std::byte> room) override {
      const std::size_t count = std::min(room.size(), rest_.size());
      std::copy_n(rest_.begin(), count, room.begin());
      rest_ = rest_.subspan(count);
      return count;
    }

   private:
    std::span<const std::byte> rest_;
  };
  std::vector<format::file_report> found;
  for (std::uint32_t place = 0; place < storage::places_max; ++place) {
    for (const std::string& name : rig.disk(place).names()) {
      if (name.ends_with(".pcapng")) {
        source octets(*rig.disk(place).contents(name));
        found.push_back(format::verify_file(name, octets));
      }
    }
  }
  return found;
}

/// Faults and losses in the files and between them.
std::vector<std::string> complaints(recorder_rig& rig) {
  const auto files = reports(rig);
  std::vector<std::string> found;
  const auto add = [&found](const format::finding& one) {
    if (one.level != format::severity::note) {
      found.push_back(one.file + ": " + one.text);
    }
  };
  for (const auto& file : files) {
    std::for_each(file.findings.begin(), file.findings.end(), add);
  }
  const auto between = format::verify_chains(files);
  std::for_each(between.begin(), between.end(), add);
  return found;
}

std::uint64_t packets_in(recorder_rig& rig) {
  std::uint64_t sum = 0;
  for (const auto& file : reports(rig)) {
    sum += file.packets;
  }
  return sum;
}

using strings = std::vector<std::string>;

/// Those of files that were left open, up to the first gap.
std::uint64_t packets_in_parts(recorder_rig& rig) {
  std::uint64_t sum = 0;
  for (std::uint32_t place = 0; place < storage::places_max; ++place) {
    for (const std::string& name : rig.disk(place).names()) {
      sum +=
          name.ends_with(".pcapng.part") ? read_file(*rig.disk(place).contents(name)).packets : 0;
    }
  }
  return sum;
}

/// What finished files have wrong in themselves.
strings faults(recorder_rig& rig) {
  strings found;
  for (const auto& file : reports(rig)) {
    for (const auto& one : file.findings) {
      if (one.level != format::severity::note) {
        found.push_back(one.file + ": " + one.text);
      }
    }
  }
  return found;
}

}  // namespace

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

TEST_CASE("whatever the folders suffer, no packet is stored twice or gets lost unsaid") {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto up_to = [&random](unsigned most) { return random() % (most + 1); };
    auto options = with_fallback();
    options.output.files.rotate.size_bytes = up_to(1) == 0 ? 20'000 : 0;
    recorder_rig rig(options);
    for (int step = 0; step < 60; ++step) {
      memory_files& disk = rig.disk(static_cast<std::uint32_t>(up_to(1)));
      switch (up_to(9)) {
        case 0:
          disk.fail({.times = 1 + up_to(30)}, up_to(1) == 0 ? EIO : EROFS);
          break;
        case 1:
          disk.stall();
          break;
        case 2:
          disk.set_capacity(disk.used_bytes() + up_to(3000));
          break;
        case 3:
          rig.recorder().rotate();
          break;
        case 4:
          rig.recorder().set_works(static_cast<std::uint32_t>(up_to(1)), up_to(1) == 0);
          break;
        case 5:
          rig.pass(std::chrono::seconds(up_to(15)));
          break;
        default:
          disk.clear_faults();
          disk.release();
          disk.set_capacity(std::uint64_t{1} << 40);
      }
      record(rig, 1 + static_cast<int>(up_to(5)));
    }
    for (std::uint32_t place = 0; place < storage::places_max; ++place) {
      rig.disk(place).clear_faults();
      rig.disk(place).release();
      rig.disk(place).set_capacity(std::uint64_t{1} << 40);
    }
    record(rig, 10);
    rig.stop();
    const auto row = rig.ledger();
    CHECK(row.unwritten == 0);
    CHECK(row.stored + row.osdrop == rig.produced());
    CHECK(packets_in(rig) == row.stored);
    CHECK(complaints(rig) == strings{});
    if (row.unwritten != 0 || packets_in(rig) != row.stored || !complaints(rig).empty()) {
      break;
    }
  }
}

TEST_CASE("whatever folders go and come back, every packet is stored, dropped or counted as lost") {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto up_to = [&random](unsigned most) { return random() % (most + 1); };
    auto options = with_fallback();
    options.has_fallback = seed % 3 != 0;
    options.output.files.rotate.size_bytes = up_to(1) == 0 ? 20'000 : 0;
    recorder_rig rig(options);
    std::array<bool, storage::places_max> is_attached{true, options.has_fallback};
    for (int step = 0; step < 60; ++step) {
      const auto place = static_cast<std::uint32_t>(options.has_fallback ? up_to(1) : 0);
      memory_files& disk = rig.disk(place);
      switch (up_to(9)) {
        case 0:
          disk.fail({.times = 1 + up_to(30)}, up_to(1) == 0 ? EIO : EROFS);
          break;
        case 1:
          disk.stall();
          break;
        case 2:
          rig.recorder().rotate();
          break;
        case 3:
          rig.recorder().set_works(place, up_to(1) == 0);
          break;
        case 4:
        case 5:
          if (is_attached[place]) {
            rig.recorder().lose(place, base::system_failure(EIO, "look at it"), rig.now());
            is_attached[place] = false;
          }
          if (up_to(1) == 0) {
            break;
          }
          [[fallthrough]];
        case 6:
          if (!is_attached[place]) {
            rig.attach(place, place);
            is_attached[place] = true;
          }
          break;
        default:
          disk.clear_faults();
          disk.release();
      }
      record(rig, static_cast<int>(up_to(5)));
    }
    for (std::uint32_t place = 0; place < storage::places_max; ++place) {
      rig.disk(place).clear_faults();
      rig.disk(place).release();
      if (!is_attached[place]) {
        rig.attach(place, place);
      }
      rig.recorder().set_works(place, true);
    }
    record(rig, 20);
    rig.pass(pipeline::limits::longest_distrust);  // it may have failed soon after each return
    record(rig, 20);
    CHECK(rig.recorder().place() == 0);
    CHECK_FALSE(rig.recorder().in_trouble());
    rig.stop();
    CHECK_FALSE(rig.recorder().outcome().gave_up);
    const auto row = rig.ledger();
    CHECK(row.stored + row.unwritten + row.osdrop == rig.produced());
    // What is left open there is repaired when its folder is back.
    CHECK(packets_in(rig) + packets_in_parts(rig) >= row.stored);
    CHECK(faults(rig) == strings{});
    if (row.stored + row.unwritten + row.osdrop != rig.produced() || !faults(rig).empty() ||
        packets_in(rig) + packets_in_parts(rig) < row.stored || rig.recorder().place() != 0) {
      break;
    }
  }
}
