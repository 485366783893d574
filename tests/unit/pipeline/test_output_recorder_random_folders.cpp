// SPDX-License-Identifier: MIT
//
// A recorder whose folders suffer at random: whatever comes, the figures and the files agree.
#include <algorithm>
#include <array>
#include <random>

#include "pipeline/limits.hpp"
#include "pipeline/output_recorder.hpp"
#include "support/catch.hpp"
#include "support/recorded_folders.hpp"

using namespace captured;
using test::complaints;
using test::faults;
using test::memory_files;
using test::packets_in;
using test::packets_in_parts;
using test::record;
using test::recorder_rig;
using test::strings;
using test::with_fallback;

namespace {

/// Both folders are there and work, until the recorder trusts them again.
void have_all_back(recorder_rig& rig, const std::array<bool, storage::places_max>& is_attached) {
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
}

}  // namespace

TEST_CASE("whatever the folders suffer, no packet is stored twice or gets lost unsaid",
          "[one-thread]") {
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

TEST_CASE("whatever folders go and come back, every packet is stored, dropped or counted as lost",
          "[one-thread]") {
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
    have_all_back(rig, is_attached);
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
