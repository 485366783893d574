// SPDX-License-Identifier: MIT
//
// How far a recording got, as its last file tells: a finished one, or one that no repair could
// close.
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>

#include "pipeline/left_off.hpp"
#include "pipeline/part_repair.hpp"
#include "pipeline/series.hpp"
#include "support/catch.hpp"
#include "support/faulty_calls.hpp"
#include "support/recorder_rig.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using namespace captured::test;
using namespace std::chrono_literals;
using testing::temporary_folder;

namespace {

const std::string recording = "00000000-0000-4000-8000-000000000001";
const std::atomic<bool> go_on{false};

std::string text_of(std::span<const std::byte> octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

/// Of which a file cannot be read, or none be opened for writing.
class calls_of_readers final : public testing::faulty_calls {
 public:
  std::string unreadable;
  bool read_only = false;

  storage::call_result open(int folder, const char* name,
                            storage::file_access access) noexcept override {
    if (read_only && access != storage::file_access::read) {
      return {.error = EACCES};
    }
    const auto done = faulty_calls::open(folder, name, access);
    const auto fd = static_cast<int>(done.value);
    broken_ = name == unreadable ? fd : fd == broken_ ? -1 : broken_;
    return done;
  }
  storage::call_result read(int fd, std::span<std::byte> room,
                            std::uint64_t offset) noexcept override {
    return fd == broken_ ? storage::call_result{.error = EIO}
                         : faulty_calls::read(fd, room, offset);
  }

 private:
  int broken_ = -1;
};

/// Two files of 20 packets, and one that is open, with 10.
void leave_files(const temporary_folder& folder) {
  rig_options options;
  options.output.files.preallocate = false;
  options.output.files.rotate.packets = 20;
  recorder_rig rig(options);
  rig.settle();
  for (int i = 0; i < 5; ++i) {
    produce(rig, 10);
    rig.retire();
    rig.settle();
    rig.pass(1s);
  }
  for (const std::string& name : rig.disk().names()) {
    if (!name.starts_with('.')) {
      folder.write(name, text_of(*rig.disk().contents(name)));
    }
  }
}

storage::output_directory opened(const temporary_folder& folder,
                                 std::shared_ptr<storage::system_calls> calls) {
  return storage::output_directory::open(folder.path().string(), false, {}, std::move(calls))
      .value();
}

}  // namespace

TEST_CASE("a file that no repair could close tells how far its recording got all the same") {
  const temporary_folder folder;
  leave_files(folder);
  const auto calls = std::make_shared<testing::faulty_calls>();
  const auto directory = opened(folder, calls);
  const auto own = *pipeline::own_files_of({});
  const auto found = pipeline::find_parts(directory, own);
  REQUIRE(found.has_value());
  const bool is_full = GENERATE(true, false);
  INFO(is_full);
  REQUIRE(found->to_repair.size() == 1);
  if (is_full) {
    calls->fail_all("write", ENOSPC);
  }
  const std::string part = found->to_repair.front();
  std::optional<pipeline::recording_end> end;
  const auto done = pipeline::repair_part(directory, part, go_on, &end);
  REQUIRE(done.has_value() == !is_full);
  REQUIRE(end.has_value());
  const bool is_end_known = GENERATE(true, false);
  INFO(is_end_known);
  std::map<std::string, pipeline::recording_end> ends;
  if (is_end_known) {
    ends[part] = *end;
  }
  const auto left = pipeline::find_left_off(directory, own, {recording, "another"}, ends, go_on);
  REQUIRE(left.has_value());
  REQUIRE(left->totals.size() == 1);
  CHECK(format::totals_of(left->totals.at(recording), "if0").stored == 50);
  CHECK(left->unread.empty());
}

TEST_CASE("a file that was read to be repaired is not read again to know how far it got") {
  const temporary_folder folder;
  leave_files(folder);
  const auto calls = std::make_shared<calls_of_readers>();
  const auto directory = opened(folder, calls);
  const auto own = *pipeline::own_files_of({});
  const std::string part = pipeline::find_parts(directory, own)->to_repair.front();
  calls->fail_all("write", ENOSPC);
  std::optional<pipeline::recording_end> end;
  REQUIRE(pipeline::repair_part(directory, part, go_on, &end).has_error());
  REQUIRE(end.has_value());
  calls->unreadable = part;
  const auto left = pipeline::find_left_off(directory, own, {recording}, {{part, *end}}, go_on);
  REQUIRE(left.has_value());
  CHECK(format::totals_of(left->totals.at(recording), "if0").stored == 50);
}

TEST_CASE("a finished file that cannot be read is told of, and the one before counts") {
  const temporary_folder folder;
  leave_files(folder);
  const auto calls = std::make_shared<calls_of_readers>();
  const auto directory = opened(folder, calls);
  const auto own = *pipeline::own_files_of({});
  const std::string part = pipeline::find_parts(directory, own)->to_repair.front();
  const auto done = pipeline::repair_part(directory, part, go_on);
  REQUIRE(done.has_value());
  const std::string newest = done->file.name;
  const auto ask = [&] { return pipeline::find_left_off(directory, own, {recording}, {}, go_on); };

  SECTION("since the disk does not read it") {
    calls->unreadable = newest;
    const auto left = ask();
    REQUIRE(left.has_value());
    CHECK(format::totals_of(left->totals.at(recording), "if0").stored == 40);
    REQUIRE(left->unread.size() == 1);
    CHECK(left->unread.front().message().find(newest) != std::string::npos);
  }
  SECTION("since its end is gone") {
    const auto path = folder.path() / newest;
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 4);
    const auto left = ask();
    REQUIRE(left.has_value());
    CHECK(format::totals_of(left->totals.at(recording), "if0").stored == 40);
    REQUIRE(left->unread.size() == 1);
    CHECK(left->unread.front().message().find(newest) != std::string::npos);
  }
  SECTION("but not one that may not be written, or is older than what tells") {
    calls->read_only = true;
    for (const auto& each : std::filesystem::directory_iterator(folder.path())) {
      if (each.path().filename() != newest) {
        calls->unreadable = each.path().filename();
      }
    }
    const auto left = ask();
    REQUIRE(left.has_value());
    CHECK(format::totals_of(left->totals.at(recording), "if0").stored == 50);
    CHECK(left->unread.empty());
  }
}

TEST_CASE("to look through a long file that is open ends when it is told to") {
  const temporary_folder folder;
  leave_files(folder);
  const auto directory = storage::output_directory::open(folder.path().string(), false).value();
  const auto left =
      pipeline::find_left_off(directory, *pipeline::own_files_of({}), {recording}, {}, true);
  REQUIRE(left.has_error());
  CHECK(left.error().code.value() == ECANCELED);
}
