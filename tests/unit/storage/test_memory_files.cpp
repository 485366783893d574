// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/memory_files.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using storage::file_action;
using storage::file_completion;
using storage::file_request;
using testing::memory_files;
using testing::octets_of;
using strings = std::vector<std::string>;

namespace {

struct bench {
  std::vector<file_completion> done;
  strings breaches;
  memory_files files;

  explicit bench(memory_files::delivery how = memory_files::delivery::manual)
      : files([this](const file_completion& each) { done.push_back(each); }, how) {
    files.on_breach([this](const std::string& words) { breaches.push_back(words); });
  }
  int last_error() const { return done.back().error.value(); }
  void create(std::uint32_t slot, const std::string& name, std::uint64_t bytes = 0) {
    files.submit(
        {.action = file_action::create, .slot = slot, .bytes_expected = bytes, .name = name});
    files.run_all();
  }
  void write(std::uint32_t slot, std::uint64_t offset, const std::string& text,
             std::uint64_t token = 0) {
    files.submit({.action = file_action::write,
                  .slot = slot,
                  .token = token,
                  .offset = offset,
                  .octets = octets_of(text)});
  }
  void finish(std::uint32_t slot, const std::string& name, std::uint64_t bytes) {
    files.submit({.action = file_action::finish,
                  .slot = slot,
                  .offset = bytes,
                  .force_to_device = true,
                  .name = name});
    files.run_all();
  }
  std::string text(const std::string& name) const {
    const auto octets = files.contents(name);
    REQUIRE(octets.has_value());
    return {reinterpret_cast<const char*>(octets->data()), octets->size()};
  }
};

const std::string hello = "hello";
const std::string world = "world";

}  // namespace

TEST_CASE("memory files live as real ones do") {
  bench b;
  b.create(0, ".next", 100);
  CHECK(b.files.used_bytes() == 100);
  b.files.submit({.action = file_action::publish, .name = "a.part"});
  b.files.run_all();
  b.write(0, 0, hello);
  b.files.run_all();
  CHECK(b.done.back().octets_written == 5);
  b.finish(0, "a", 4);
  CHECK(b.last_error() == 0);
  CHECK(b.files.names() == strings{"a"});
  CHECK(b.text("a") == "hell");
  CHECK(b.files.is_finished("a"));
  CHECK(b.files.forced_bytes("a") == 4);
  CHECK(b.files.used_bytes() == 4);
  CHECK(b.breaches.empty());
}

TEST_CASE("nothing happens before it is told to, and writes complete in any order") {
  bench b;
  b.create(0, "a");
  b.write(0, 0, hello, 1);
  b.write(0, 5, world, 2);
  CHECK(b.done.size() == 1);
  CHECK(b.text("a").empty());
  CHECK(b.files.ready() == 2);
  REQUIRE(b.files.run_at(1));
  CHECK(b.done.back().token == 2);
  CHECK(b.text("a").size() == 10);
  CHECK(b.files.published("a")->empty());
  REQUIRE(b.files.run_one());
  CHECK(b.files.published("a")->size() == 10);
  CHECK(b.text("a") == "helloworld");
  CHECK_FALSE(b.files.run_one());
}

TEST_CASE("automatic delivery completes what handlers ask for, without recursion") {
  memory_files* files = nullptr;
  int left = 100000;
  memory_files made(
      [&](const file_completion&) {
        if (left-- > 0) {
          files->submit({.action = file_action::sync});
        }
      },
      memory_files::delivery::at_once);
  files = &made;
  made.submit({.action = file_action::create, .name = "a"});
  CHECK(left == -1);
  CHECK(made.count(file_action::sync) == 100000);
}

TEST_CASE("faults strike the act they are meant for, as often as asked") {
  bench b;
  b.create(0, "a");
  b.files.fail({.action = file_action::write, .nth = 2, .times = 2}, EIO);
  for (const int expected : {0, EIO, EIO, 0}) {
    b.write(0, 0, hello);
    b.files.run_all();
    CHECK(b.last_error() == expected);
  }
  b.files.fail({.times = memory_files::for_ever}, ENODEV);
  b.write(0, 0, hello);
  b.files.run_all();
  CHECK(b.last_error() == ENODEV);
  b.files.clear_faults();
  b.files.shorten({.action = file_action::write}, 2);
  b.write(0, 0, hello);
  b.files.run_all();
  CHECK(b.last_error() == 0);
  CHECK(b.done.back().octets_written == 2);
}

TEST_CASE("a full disk takes what fits, then nothing, and goes on when it has grown") {
  bench b;
  b.files.set_capacity(8);
  b.create(0, "a");
  b.write(0, 0, hello);
  b.write(0, 5, world, 1);
  b.files.run_all();
  CHECK(b.last_error() == 0);
  CHECK(b.done.back().octets_written == 3);
  const std::string rest = "ld";
  b.write(0, 8, rest);
  b.files.run_all();
  CHECK(b.last_error() == ENOSPC);
  b.create(1, "b", 1);
  CHECK(b.last_error() == 0);
  b.files.set_capacity(10);
  b.write(0, 8, rest);
  b.files.run_all();
  CHECK(b.last_error() == 0);
  CHECK(b.text("a") == "helloworld");
}

TEST_CASE("reserved space is there for its file even when the disk is full") {
  bench b;
  b.files.set_capacity(5);
  b.create(0, "a", 5);
  CHECK(b.last_error() == 0);
  b.create(1, "b");
  b.write(1, 0, world);
  b.files.run_all();
  CHECK(b.last_error() == ENOSPC);
  b.write(0, 0, hello);
  b.files.run_all();
  CHECK(b.last_error() == 0);
}

TEST_CASE("a stalled disk completes nothing until it is released, a hanging act never") {
  bench b(memory_files::delivery::at_once);
  b.create(0, "a");
  b.files.stall();
  b.write(0, 0, hello);
  CHECK(b.files.ready() == 0);
  CHECK(b.files.in_flight() == 1);
  b.files.release();
  CHECK(b.done.size() == 2);
  b.files.hang({.action = file_action::sync});
  b.files.submit({.action = file_action::sync});
  CHECK(b.files.in_flight() == 1);
  CHECK(b.files.run_all() == 0);
}

TEST_CASE("no name is ever replaced, and a finish may fail before or after its rename") {
  bench b;
  b.files.put("taken", octets_of(world));
  b.create(0, "taken");
  CHECK(b.last_error() == EEXIST);
  b.create(0, "a.part");
  b.finish(0, "taken", 0);
  CHECK(b.last_error() == EEXIST);
  b.files.fail({.action = file_action::finish}, EIO);
  b.finish(0, "a", 0);
  CHECK(b.last_error() == EIO);
  CHECK(b.files.names() == strings{"a.part", "taken"});
  b.files.fail_after_rename({.action = file_action::finish}, EIO);
  b.finish(0, "a", 0);
  CHECK(b.last_error() == EIO);
  CHECK(b.files.names() == strings{"a", "taken"});
  CHECK_FALSE(b.files.is_finished("a"));
  b.finish(0, "a", 0);
  CHECK(b.last_error() == 0);
  CHECK(b.files.is_finished("a"));
  CHECK(b.text("taken") == "world");
}

TEST_CASE("a vanished folder or file is answered as a real one is") {
  bench b;
  b.files.set_folder_gone(true);
  b.create(0, "a");
  CHECK(b.last_error() == ENOENT);
  b.files.set_folder_gone(false);
  b.create(0, "a.part");
  CHECK(b.files.remove("a.part"));
  b.write(0, 0, hello);
  b.files.run_all();
  CHECK(b.last_error() == 0);
  b.finish(0, "a", 5);
  CHECK(b.last_error() == ENOENT);
  b.files.submit({.action = file_action::discard});
  b.files.run_all();
  CHECK(b.last_error() == 0);
}

TEST_CASE("each breach of the contract is noticed") {
  const auto breaches = [](const auto& act) {
    bench b;
    b.create(0, "a");
    act(b);
    b.files.run_all();
    return b.breaches;
  };
  const auto noticed = [&](const std::string& words, const auto& act) {
    INFO(words);
    const auto all = breaches(act);
    REQUIRE_FALSE(all.empty());
    CHECK(all[0].find(words) != std::string::npos);
  };
  CHECK(breaches([](bench& b) { b.write(0, 0, hello); }).empty());
  noticed("does not exist", [](bench& b) { b.files.submit({.slot = 8}); });
  noticed("no file is open",
          [](bench& b) { b.files.submit({.action = file_action::sync, .slot = 1}); });
  noticed("already open", [](bench& b) { b.create(0, "b"); });
  noticed("the name is empty or has a '/'", [](bench& b) { b.create(1, "x/y"); });
  noticed("the name is empty or has a '/'", [](bench& b) { b.finish(0, "", 0); });
  noticed("a write of nothing", [](bench& b) { b.files.submit({}); });
  noticed("another act on the slot is under way", [](bench& b) {
    b.write(0, 0, hello);
    b.files.submit({.action = file_action::discard});
  });
  CHECK(breaches([](bench& b) {
          b.write(0, 0, hello);
          b.files.submit({.action = file_action::sync});
        }).empty());
  noticed("two writes under way have the same token", [](bench& b) {
    b.write(0, 0, hello);
    b.write(0, 5, hello);
  });
  noticed("octets changed while the write was under way", [](bench& b) {
    std::string changing = hello;
    b.write(0, 0, changing);
    changing[4] = 'x';
    b.files.run_all();
  });
  noticed("octets that were already written change", [](bench& b) {
    b.write(0, 0, hello);
    b.files.run_all();
    b.write(0, 4, world);
    b.files.run_all();
  });
  noticed("the file ends behind octets that were never written", [](bench& b) {
    b.write(0, 1, hello);
    b.files.run_all();
    b.finish(0, "b", 6);
  });
  noticed("too many acts under way", [](bench& b) {
    for (std::uint64_t token = 0; token <= storage::requests_in_flight_max; ++token) {
      b.write(0, token * 5, hello, token);
    }
  });
}
