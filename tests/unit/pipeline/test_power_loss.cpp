// SPDX-License-Identifier: MIT
//
// The power fails at any moment of a recording: what repair makes of what is left on the disk is
// whole, and lacks nothing that the sync policy had forced. CAPTURED_POWER_CUTS=n tries n cuts of
// each kind instead of a few hundred.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <set>

#include "base/bytes.hpp"
#include "format/verification.hpp"
#include "pipeline/file_source.hpp"
#include "pipeline/output_recorder.hpp"
#include "pipeline/part_repair.hpp"
#include "pipeline/series.hpp"
#include "support/catch.hpp"
#include "support/power_disk.hpp"
#include "support/recorder_rig.hpp"
#include "support/temporary_folder.hpp"

using namespace std::chrono_literals;
using namespace captured;
using test::recorder_rig;
using test::rig_options;
using testing::power_disk;
using testing::power_files;

namespace {

rig_options options_of(pipeline::placement where, pipeline::encoding encoding,
                       storage::sync_policy policy) {
  rig_options options;
  options.interfaces = 2;
  options.where = where;
  options.ring.block_count = 64;
  options.output.encoding = encoding;
  options.output.files.rotate = {.size_bytes = 40'000, .interval = 0s};
  options.output.files.retain = {0, 0, 0, 0s, 0};
  options.output.files.sync = {policy, policy == storage::sync_policy::interval ? 700ms : 0ms};
  options.output.flush_interval = 100ms;
  options.output.statistics_interval = 1s;
  return options;
}

/// How far a recording had got.
struct mark {
  std::size_t acts = 0;  ///< of the disk
  base::steady_time at{};
  std::uint64_t stored = 0;
};

std::uint64_t stored_by(const recorder_rig& rig) {
  return rig.ledger(0).stored + rig.ledger(1).stored;
}

/// A recording of some seconds, onto the disk.
std::vector<mark> record(power_disk& disk, const rig_options& options, unsigned seed) {
  std::vector<mark> marks;
  recorder_rig rig(options);
  power_files files(disk, seed);
  std::mt19937 random(seed);
  rig.recorder().lose(0, {}, rig.now());
  rig.recorder().attach(
      0, {std::shared_ptr<storage::file_operations>(&files, [](auto*) {}), "/power"}, rig.now());
  const auto pass = [&](std::chrono::milliseconds time) {
    rig.pass(time);
    while (const auto done = files.run_one()) {
      rig.recorder().on_completion(*done, rig.now());
    }
    marks.push_back({disk.length(), rig.now().steady, stored_by(rig)});
  };
  for (int step = 0; step < 60; ++step) {
    const std::size_t interface = random() % 2;
    for (auto i = random() % 30; i > 0; --i) {
      rig.produce(interface, 64 + random() % 200);
    }
    rig.retire(interface);
    pass(std::chrono::milliseconds(static_cast<int>(20 + random() % 200)));
    if (random() % 20 == 0) {
      rig.recorder().rotate();
    }
  }
  rig.recorder().stop(rig.now().steady + 10s);
  rig.close_feeds();
  for (int i = 0; !rig.recorder().outcome().ended; ++i) {
    REQUIRE(i < 100);
    pass(100ms);
  }
  CHECK(stored_by(rig) == rig.produced(0) + rig.produced(1));
  return marks;
}

/// Packets that must be there whatever is left of the rest. At the end all: every file was closed,
/// for which it is forced. Before, those that were stored longer ago than the interval of forcing,
/// and the longest time that a step took, as far as there is one.
std::uint64_t promised(const std::vector<mark>& marks, const rig_options& options,
                       std::size_t acts) {
  if (acts == marks.back().acts) {
    return marks.back().stored;
  }
  const storage::sync_options& sync = options.output.files.sync;
  if (sync.policy != storage::sync_policy::interval) {
    return 0;
  }
  constexpr auto step_max = 250ms;
  const auto now = std::ranges::find_if(marks, [acts](const mark& one) { return one.acts > acts; });
  std::uint64_t stored = 0;
  for (auto one = marks.begin(); one != now; ++one) {
    // The step in which the cut comes, the one in which it was due, and the one before.
    const bool is_due = one->at + sync.interval + 3 * step_max <= std::prev(now)->at;
    stored = is_due ? one->stored : stored;
  }
  return stored;
}

/// Which frames of which interface a file holds, up to its first block that is not whole.
using frames = std::set<std::pair<std::uint32_t, std::uint32_t>>;

/// Numbers of frames by the identity of interface within the file; ids are stable in these.
frames frames_in(std::span<const std::byte> octets) {
  frames found;
  std::size_t at = 0;
  while (octets.size() - at >= 12) {
    const std::byte* const block = octets.data() + at;
    const auto type = base::load_little<std::uint32_t>(block);
    const auto length = base::load_little<std::uint32_t>(block + 4);
    if (length < 12 || length > octets.size() - at ||
        base::load_little<std::uint32_t>(block + length - 4) != length) {
      break;
    }
    if (type == 6) {
      const auto captured = base::load_little<std::uint32_t>(block + 20);
      const auto number = test::number_of({block + 28, captured});
      const auto id = base::load_little<std::uint32_t>(block + 8);
      const bool is_new = number && found.emplace(id, *number).second;
      CHECK(is_new);
    }
    at += length;
  }
  return found;
}

/// What the next start makes of the folder; all frames in finished files.
frames repair(const testing::temporary_folder& folder, const storage::output_options& output) {
  const auto directory = storage::output_directory::open(folder.path().string(), false);
  REQUIRE(directory.has_value());
  const auto own = pipeline::own_files_of(output);
  REQUIRE(directory->remove_prepared(*own).has_value());
  const auto parts = pipeline::find_parts(*directory, *own);
  REQUIRE(parts.has_value());
  CHECK(parts->troubles.empty());
  const std::atomic<bool> stop{false};
  for (const std::string& name : parts->to_repair) {
    const auto repaired = pipeline::repair_part(*directory, name, stop);
    REQUIRE(repaired.has_value());
  }
  frames all;
  std::vector<format::file_report> reports;
  for (const std::string& name : folder.names()) {
    if (!name.ends_with(".pcapng")) {
      CHECK((name.ends_with(".damaged") || name.ends_with(".lock")));
      continue;
    }
    auto source = pipeline::file_source::open((folder.path() / name).string());
    REQUIRE(source.has_value());
    reports.push_back(format::verify_any_file(name, *source));
    INFO(name);
    CHECK(reports.back().faults == 0);
    CHECK(reports.back().end.has_value());
    const std::string text = folder.read(name);
    for (const auto& frame : frames_in(std::as_bytes(std::span(text)))) {
      CHECK(all.insert(frame).second);
    }
  }
  for (const format::finding& one : format::verify_chains(reports)) {
    INFO(one.file << ": " << one.text);
    CHECK(one.level != format::severity::fault);
  }
  return all;
}

void cut_the_power(const rig_options& options, unsigned seed, unsigned cuts) {
  power_disk disk;
  const auto marks = record(disk, options, seed);
  std::mt19937 random(seed);
  for (unsigned i = 0; i < cuts; ++i) {
    const std::size_t at = i == 0 ? disk.length() : random() % (disk.length() + 1);
    INFO("seed " << seed << ", cut " << i << " before act " << at << " of " << disk.length());
    const testing::temporary_folder folder;
    for (const auto& [name, content] : disk.after_cut(at, random)) {
      folder.write(name, {reinterpret_cast<const char*>(content.data()), content.size()});
    }
    const frames found = repair(folder, options.output.files);
    CHECK(found.size() >= promised(marks, options, at));
    for (const auto& content : disk.forced(at)) {
      const frames wanted = frames_in(content);
      CHECK(std::ranges::includes(found, wanted));
    }
  }
}

unsigned cuts_wanted() {
  const char* const text = std::getenv("CAPTURED_POWER_CUTS");
  return text == nullptr ? 240 : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

}  // namespace

TEST_CASE("a power cut costs at most what was not forced to the device, and leaves whole files") {
  using pipeline::encoding;
  using pipeline::placement;
  using storage::sync_policy;
  constexpr unsigned cuts_per_recording = 20;
  unsigned seed = 1;
  for (unsigned done = 0; done < cuts_wanted(); done += cuts_per_recording) {
    for (const auto policy : {sync_policy::close, sync_policy::interval}) {
      cut_the_power(options_of(placement::packed, encoding::compact, policy), seed++,
                    cuts_per_recording);
      cut_the_power(options_of(placement::paged, encoding::compact, policy), seed++,
                    cuts_per_recording);
      cut_the_power(options_of(placement::paged, encoding::in_place, policy), seed++,
                    cuts_per_recording);
    }
  }
}
