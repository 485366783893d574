// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/octet_source.hpp"
#include "format/verification.hpp"
#include "pipeline/part_repair.hpp"
#include "pipeline/series.hpp"
#include "support/catch.hpp"
#include "support/recorder_rig.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using namespace captured::test;
using namespace std::chrono_literals;
using pipeline::find_parts;
using pipeline::repair_part;
using testing::temporary_folder;
using strings = std::vector<std::string>;

namespace {

const std::string part = "20260101T000000Z-main-000007.pcapng.part";
const std::string whole = "20260101T000000Z-main-000007.pcapng";
const std::string damaged = "20260101T000000Z-main-000007.pcapng.damaged";
const std::atomic<bool> go_on{false};

struct recorded {
  std::string text;            ///< a closed file of 40 frames with several statistics blocks
  std::size_t open_bytes = 0;  ///< of it, while it was open
};

const recorded& example() {
  static const recorded made = [] {
    rig_options options;
    options.output.files.preallocate = false;
    options.output.statistics_interval = 1s;
    recorder_rig rig(options);
    rig.settle();
    for (int i = 0; i < 4; ++i) {
      test::produce(rig, 10);
      rig.retire();
      rig.pass(1s);
    }
    rig.pass(2s);
    const std::size_t open = rig.disk().contents(rig.disk().names().back())->size();
    rig.stop();
    const auto octets = rig.disk().contents(rig.closed().front()).value();
    return recorded{std::string(reinterpret_cast<const char*>(octets.data()), octets.size()), open};
  }();
  return made;
}

storage::output_directory opened(const temporary_folder& folder) {
  return std::move(*storage::output_directory::open(folder.path().string(), false));
}

storage::own_files own() {
  return *pipeline::own_files_of({});
}

format::file_report judge(const std::string& text) {
  format::memory_source source(std::as_bytes(std::span(text)));
  return format::verify_file(whole, source);
}

/// Finds and repairs the one part, which must succeed.
pipeline::repaired_part repaired(const temporary_folder& folder) {
  const auto directory = opened(folder);
  const auto found = find_parts(directory, own());
  REQUIRE(found.has_value());
  REQUIRE(found->to_repair.size() == 1);
  const auto done = repair_part(directory, found->to_repair[0], go_on);
  REQUIRE(done.has_value());
  return *done;
}

}  // namespace

TEST_CASE("a recording cut at any octet is closed in place, and every packet before it is kept",
          "[one-thread]") {
  const std::string& text = example().text;
  const std::uint64_t head = judge(text.substr(0, 400)).octets;
  REQUIRE(head > 0);
  std::uint64_t most = 0;
  const std::size_t open = example().open_bytes;
  for (std::size_t cut = head; cut <= open;
       cut += cut == open ? 1 : std::min<std::size_t>(open - cut, 3)) {
    INFO("cut at " << cut);
    const temporary_folder folder;
    folder.write(part, text.substr(0, cut));
    const auto before = judge(text.substr(0, cut));
    const auto done = repaired(folder);
    CHECK_FALSE(done.is_set_aside);
    CHECK(folder.names() == strings{whole});
    const auto after = judge(folder.read(whole));
    CHECK(after.state == format::file_state::closed);
    CHECK(after.faults == 0);
    CHECK(after.packets == before.packets);
    CHECK(done.packets == before.packets);
    // Zeros at the end may never have been written.
    const std::size_t used = text.find_last_not_of('\0', cut - 1) + 1;
    CHECK(done.octets_lost == used - std::min<std::uint64_t>(used, before.octets));
    REQUIRE(after.end);
    CHECK(after.end->reason == "recovered");
    CHECK(after.end->lost_octets == done.octets_lost);
    CHECK(folder.read(whole).find("recovered") != std::string::npos);
    CHECK(done.file.size_bytes == folder.read(whole).size());
    most = std::max(most, after.packets);
  }
  CHECK(most == 40);
}

TEST_CASE("a file that is complete but was not renamed needs nothing but its name") {
  const temporary_folder folder;
  folder.write(part, example().text);
  CHECK(repaired(folder).octets_lost == 0);
  CHECK(folder.read(whole) == example().text);
}

TEST_CASE("what lies behind the end of a complete file is cut off") {
  for (const std::string& behind :
       {std::string("stale"), std::string(5000, '\0'), example().text}) {
    const temporary_folder folder;
    folder.write(part, example().text + behind);
    repaired(folder);
    CHECK(folder.read(whole) == example().text);
  }
}

TEST_CASE("behind a gap of zeros nothing is believed, but what was there is counted") {
  const std::string& text = example().text;
  const auto kept = judge(text.substr(0, 1500)).octets;
  const temporary_folder folder;
  folder.write(part, text.substr(0, kept) + std::string(4096, '\0') + text.substr(0, 1000) +
                         std::string(9000, '\0'));
  const auto done = repaired(folder);
  CHECK(done.octets_lost == 4096 + 1000);
  const auto after = judge(folder.read(whole));
  CHECK(after.state == format::file_state::closed);
  CHECK(after.faults == 0);
  CHECK(after.losses == 1);
}

TEST_CASE("space that was reserved and never written is no loss") {
  const temporary_folder folder;
  const auto kept = judge(example().text.substr(0, 1500)).octets;
  folder.write(part, example().text.substr(0, kept) + std::string(3 << 20, '\0'));
  CHECK(repaired(folder).octets_lost == 0);
  CHECK(judge(folder.read(whole)).losses == 0);
}

TEST_CASE("an empty file is set aside, and its number is free for the next one") {
  const temporary_folder folder;
  folder.write(part, "");
  const auto directory = opened(folder);
  const auto found = find_parts(directory, own());
  REQUIRE(found.has_value());
  CHECK(found->to_repair.empty());
  REQUIRE(found->set_aside.size() == 1);
  CHECK(found->set_aside[0].reason.find("empty") != std::string::npos);
  CHECK(folder.names() == strings{damaged});
  CHECK(pipeline::continue_series(directory, own(), "")->next_sequence == 1);
}

TEST_CASE("a file that is set aside keeps nothing of the disk that was reserved for it") {
  const temporary_folder folder;
  const std::string path = folder.path() / part;
  const int made = ::open(path.c_str(), O_CREAT | O_RDWR, 0640);
  REQUIRE(made >= 0);
  const bool reserved = ::fallocate(made, FALLOC_FL_KEEP_SIZE, 0, 1 << 20) == 0;
  ::close(made);
  if (!reserved) {
    WARN("SKIPPED: this file system reserves nothing");
    return;
  }
  const auto found = find_parts(opened(folder), own());
  REQUIRE(found.has_value());
  REQUIRE(found->set_aside.size() == 1);
  struct stat about {};
  REQUIRE(::stat((folder.path() / damaged).c_str(), &about) == 0);
  CHECK(about.st_size == 0);
  CHECK(about.st_blocks == 0);
}

TEST_CASE("a file whose beginning is gone is set aside as it is, and its number stays taken") {
  for (const std::string& text :
       {std::string(100'000, '\0'), std::string("\x0a\x0d\x0d\x0a what is this"),
        std::string(4096, '\0') + example().text}) {
    const temporary_folder folder;
    folder.write(part, text);
    folder.write(damaged, "an earlier one");
    const auto directory = opened(folder);
    const auto found = find_parts(directory, own());
    REQUIRE(found.has_value());
    REQUIRE(found->set_aside.size() == 1);
    CHECK_FALSE(found->set_aside[0].reason.empty());
    CHECK(folder.read("20260101T000000Z-main-000007+1.pcapng.damaged") == text);
    CHECK(folder.read(damaged) == "an earlier one");
    CHECK(pipeline::continue_series(directory, own(), "")->next_sequence == 8);
  }
}

TEST_CASE("what a power cut left of a file's beginning and of its name is set aside") {
  const temporary_folder folder;
  // The first octets tell that a section begins, but not all of its header is there.
  folder.write(".main-000007.next", example().text.substr(0, 64));
  const auto directory = opened(folder);
  REQUIRE(directory.remove_prepared(own()).has_value());
  REQUIRE(folder.names() == strings{"main-000007.pcapng.part"});
  const auto found = find_parts(directory, own());
  REQUIRE(found.has_value());
  CHECK(found->to_repair.empty());
  CHECK(found->troubles.empty());
  REQUIRE(found->set_aside.size() == 1);
  CHECK(folder.names() == strings{"main-000007.pcapng.damaged"});
  // It counts for the limits of the output, as all that is set aside.
  const auto kept = directory.find_kept(own());
  REQUIRE(kept.has_value());
  REQUIRE(kept->files.size() == 1);
  CHECK(kept->files.front().sequence == 7);
}

TEST_CASE("a repaired file never takes a name that is there, and the next one knows its name") {
  const temporary_folder folder;
  const std::string first = "20260101T000000Z-main-000001.pcapng";
  folder.write(first + ".part", example().text.substr(0, 1500));
  folder.write(first, "foreign");
  const auto directory = opened(folder);
  const auto found = find_parts(directory, own());
  REQUIRE(found.has_value());
  REQUIRE(found->to_repair.size() == 1);
  const auto series = pipeline::continue_series(directory, own(), "");
  const auto done = repair_part(directory, found->to_repair[0], go_on);
  REQUIRE(done.has_value());
  CHECK(folder.read(first) == "foreign");
  CHECK(series->previous == done->file.name);
  CHECK(judge(folder.read(done->file.name)).state == format::file_state::closed);
}

TEST_CASE("parts of other outputs and links are left alone") {
  const temporary_folder folder;
  folder.write("20260101T000000Z-other-000007.pcapng.part", "");
  folder.write("x.pcapng.part", "nothing");
  REQUIRE(::symlink("x.pcapng.part", (folder.path() / part).c_str()) == 0);
  const auto before = folder.names();
  const auto found = find_parts(opened(folder), own());
  REQUIRE(found.has_value());
  CHECK(found->to_repair.empty());
  CHECK(found->set_aside.empty());
  CHECK(folder.names() == before);
}

TEST_CASE("a repair that is stopped leaves the file as it was") {
  const temporary_folder folder;
  folder.write(part, example().text.substr(0, 1500));
  const std::atomic<bool> stop{true};
  const auto done = repair_part(opened(folder), part, stop);
  REQUIRE(done.has_error());
  CHECK(done.error().code.value() == ECANCELED);
  CHECK(folder.read(part) == example().text.substr(0, 1500));
}

TEST_CASE("a repair keeps the time of the last packet as that of the file") {
  const temporary_folder folder;
  folder.write(part, example().text.substr(0, 1500));
  const timespec times[2] = {{1000, 0}, {1000, 5000}};
  REQUIRE(::utimensat(AT_FDCWD, (folder.path() / part).c_str(), times, 0) == 0);
  const auto done = repaired(folder);
  struct stat status {};
  REQUIRE(::stat((folder.path() / whole).c_str(), &status) == 0);
  CHECK(status.st_mtim.tv_sec == 1000);
  CHECK(done.file.changed == base::wall_time(1000s + 5us));
}

TEST_CASE("a file that was finished by whoever had it open is told as it lies there") {
  const temporary_folder folder;
  folder.write(whole, example().text);
  const auto done = repair_part(opened(folder), part, go_on);
  REQUIRE(done.has_value());
  CHECK(done->was_finished);
  CHECK(done->file.name == whole);
  CHECK(done->file.size_bytes == example().text.size());
  CHECK(folder.names() == strings{whole});
}

TEST_CASE("a file that is gone under both its names is not there") {
  const temporary_folder folder;
  const auto done = repair_part(opened(folder), part, go_on);
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code.value() == ENOENT);
}
