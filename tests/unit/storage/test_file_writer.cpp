// SPDX-License-Identifier: MIT
#include <condition_variable>
#include <csignal>
#include <future>
#include <mutex>
#include <vector>

#include "storage/file_writer.hpp"
#include "support/catch.hpp"
#include "support/faulty_calls.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using namespace std::chrono_literals;
using storage::file_action;
using storage::file_completion;
using storage::file_request;
using storage::file_writer;
using testing::faulty_calls;
using testing::octets_of;
using testing::temporary_folder;
using strings = std::vector<std::string>;

namespace {

/// Collects completions from the writer's threads.
class completions {
 public:
  storage::file_operations::completion_handler handler() {
    return [this](const file_completion& done) {
      const std::lock_guard lock(mutex_);
      all_.push_back(done);
      arrived_.notify_all();
    };
  }
  /// Waits until there are this many and returns the last.
  file_completion wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    REQUIRE(arrived_.wait_for(lock, 60s, [&] { return all_.size() >= count; }));
    return all_[count - 1];
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return all_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<file_completion> all_;
};

/// Calls that tell when the last owner is gone: a thread left to itself owns them too.
class told_calls : public faulty_calls {
 public:
  explicit told_calls(std::promise<void> gone) : gone_(std::move(gone)) {}
  ~told_calls() override { gone_.set_value(); }

 private:
  std::promise<void> gone_;
};

std::unique_ptr<file_writer> start(
    const temporary_folder& folder, completions& done,
    std::shared_ptr<storage::system_calls> calls = std::make_shared<storage::system_calls>()) {
  auto writer = file_writer::start(folder.open(), done.handler(), std::move(calls));
  REQUIRE(writer.has_value());
  return std::move(*writer);
}

}  // namespace

TEST_CASE("a file that hangs while being closed does not hold up writes to the next") {
  const temporary_folder folder;
  completions done;
  const auto calls = std::make_shared<faulty_calls>();
  const auto writer = start(folder, done, calls);
  writer->submit({.action = file_action::create, .slot = 0, .name = "a.part"});
  writer->submit({.action = file_action::create, .slot = 1, .name = "b.part"});
  done.wait_for(2);
  calls->hang("sync");
  writer->submit({.action = file_action::finish, .slot = 0, .force_to_device = true, .name = "a"});
  calls->wait_until_hanging();
  const std::string text = "x";
  writer->submit({.action = file_action::write, .slot = 1, .octets = octets_of(text)});
  CHECK(done.wait_for(3).action == file_action::write);
  calls->release();
  CHECK(done.wait_for(4).action == file_action::finish);
  CHECK(folder.names() == strings{"a", "b.part"});
}

TEST_CASE("a file that hangs while being closed does not hold up making, naming and removing") {
  const temporary_folder folder;
  completions done;
  const auto calls = std::make_shared<faulty_calls>();
  const auto writer = start(folder, done, calls);
  writer->submit({.action = file_action::create, .slot = 0, .name = "a.part"});
  done.wait_for(1);
  calls->hang("sync");
  writer->submit({.action = file_action::finish, .slot = 0, .force_to_device = true, .name = "a"});
  calls->wait_until_hanging();
  writer->submit({.action = file_action::create, .slot = 1, .name = "b.part"});
  CHECK(done.wait_for(2).action == file_action::create);
  writer->submit({.action = file_action::publish, .slot = 1, .name = "c.part"});
  CHECK(done.wait_for(3).action == file_action::publish);
  writer->submit({.action = file_action::measure, .name = {}});
  CHECK(done.wait_for(4).action == file_action::measure);
  calls->release();
  CHECK(done.wait_for(5).action == file_action::finish);
}

TEST_CASE("forcing that failed once is not made good by a further attempt") {
  for (const bool by_interval : {false, true}) {
    const temporary_folder folder;
    completions done;
    const auto calls = std::make_shared<faulty_calls>();
    const auto writer = start(folder, done, calls);
    writer->submit({.action = file_action::create, .name = "a.part"});
    done.wait_for(1);
    calls->fail_all(by_interval ? "sync_data" : "sync", EIO);
    file_request finish{.action = file_action::finish, .force_to_device = true, .name = "a"};
    if (by_interval) {
      writer->submit({.action = file_action::sync, .name = {}});
    } else {
      writer->submit(finish);
    }
    const auto refused = done.wait_for(2);
    CHECK(refused.error.value() == EIO);
    CHECK(refused.was_forcing);
    calls->fail_all(by_interval ? "sync_data" : "sync", 0);
    writer->submit(finish);
    const auto again = done.wait_for(3);
    CHECK(again.error.value() == EIO);
    CHECK(again.was_forcing);
    CHECK(folder.names() == strings{"a.part"});
    finish.force_to_device = false;
    finish.name = "a.damaged";
    writer->submit(finish);
    CHECK_FALSE(done.wait_for(4).error);
    CHECK(folder.names() == strings{"a.damaged"});
  }
}

TEST_CASE("a writer that nothing was asked of, or everything was answered, ends at once") {
  const temporary_folder folder;
  completions done;
  { const auto writer = start(folder, done); }
  const auto writer = start(folder, done);
  writer->submit({.action = file_action::create, .name = "a"});
  done.wait_for(1);
  CHECK(writer->abandon(60s));
  CHECK(writer->abandon(60s));
}

TEST_CASE("abandoning keeps open files as they are and begins nothing that was only asked for") {
  const temporary_folder folder;
  completions done;
  const auto calls = std::make_shared<faulty_calls>();
  const auto writer = start(folder, done, calls);
  writer->submit({.action = file_action::create, .name = "a.part"});
  done.wait_for(1);
  calls->hang("write");
  const std::string text = "x";
  for (std::uint64_t token = 0; token < 10; ++token) {
    writer->submit(
        {.action = file_action::write, .token = token, .offset = token, .octets = octets_of(text)});
  }
  calls->wait_until_hanging();
  CHECK_FALSE(writer->abandon(0ms));
  calls->release();
  CHECK(folder.names() == strings{"a.part"});
  CHECK(done.count() == 1);
}

TEST_CASE("a call that hangs for ever does not keep the writer from ending, whichever it is") {
  for (const auto* const call : {"write", "sync_data", "create", "rename", "sync", "remove"}) {
    const temporary_folder folder;
    completions done;
    std::promise<void> promise;
    auto gone = promise.get_future();
    auto calls = std::make_shared<told_calls>(std::move(promise));
    auto* const watched = calls.get();
    auto writer = start(folder, done, std::move(calls));
    const std::string text = "x";
    const std::string kind = call;
    if (kind != "create") {
      writer->submit({.action = file_action::create, .name = "a.part"});
      done.wait_for(1);
    }
    watched->hang(kind);
    const auto answered = done.count();
    if (kind == "create") {
      writer->submit({.action = file_action::create, .name = "b.part"});
    } else if (kind == "write") {
      writer->submit({.action = file_action::write, .octets = octets_of(text)});
    } else if (kind == "sync_data") {
      writer->submit({.action = file_action::sync});
    } else if (kind == "remove") {
      writer->submit({.action = file_action::discard});
    } else {
      writer->submit({.action = file_action::finish, .force_to_device = true, .name = "a"});
    }
    watched->wait_until_hanging();
    CHECK_FALSE(writer->abandon(1ms));
    writer.reset();
    // The stuck thread still owns what it touches; it wakes up long after the writer is gone.
    CHECK(gone.wait_for(0s) == std::future_status::timeout);
    watched->release();
    CHECK(gone.wait_for(60s) == std::future_status::ready);
    CHECK(done.count() == answered);
  }
}

TEST_CASE("what the handler holds is let go when the writer is abandoned, even if a call hangs") {
  const temporary_folder folder;
  const auto calls = std::make_shared<faulty_calls>();
  const auto held = std::make_shared<int>(0);
  auto writer = file_writer::start(
      folder.open(), [held](const file_completion&) {}, calls);
  REQUIRE(writer.has_value());
  calls->hang("create");
  (*writer)->submit({.action = file_action::create, .name = "a"});
  calls->wait_until_hanging();
  CHECK(held.use_count() == 2);
  CHECK_FALSE((*writer)->abandon(0ms));
  CHECK(held.use_count() == 1);
  calls->release();
}

TEST_CASE("a file is removed if the check allows it and its space is needed") {
  const temporary_folder folder;
  folder.write("a", std::string(100'000, 'x'));
  completions done;
  int answer = storage::pinned_error;
  storage::file_writer_options options;
  options.may_remove = [&answer](const std::string&) {
    return base::error_code(answer, boost::system::system_category());
  };
  auto made = file_writer::start(folder.open(), done.handler(), std::make_shared<faulty_calls>(),
                                 std::move(options));
  REQUIRE(made.has_value());
  const auto& writer = *made;
  writer->submit({.action = file_action::remove, .name = "a"});
  CHECK(done.wait_for(1).error.value() == storage::pinned_error);
  answer = 0;
  writer->submit({.action = file_action::remove, .keep_if_available = 1, .name = "a"});
  CHECK(done.wait_for(2).error.value() == storage::not_needed_error);
  CHECK(folder.names() == strings{"a"});
  writer->submit({.action = file_action::remove, .keep_if_available = ~0ULL, .name = "a"});
  const auto removed = done.wait_for(3);
  CHECK_FALSE(removed.error);
  CHECK(removed.space.total_bytes > 0);
  CHECK(folder.names().empty());
  writer->submit({.action = file_action::remove, .name = "a"});
  CHECK_FALSE(done.wait_for(4).error);
  writer->submit({.action = file_action::measure, .name = {}});
  CHECK(done.wait_for(5).space.total_bytes == removed.space.total_bytes);
}

TEST_CASE("without a check no file is removed") {
  const temporary_folder folder;
  folder.write("a", "x");
  completions done;
  const auto writer = start(folder, done);
  writer->submit({.action = file_action::remove, .name = "a"});
  CHECK(done.wait_for(1).error.value() == storage::not_ours_error);
  CHECK(folder.names() == strings{"a"});
}

TEST_CASE("the threads of a writer take no signals of the process") {
  const temporary_folder folder;
  completions done;
  std::promise<bool> blocked;
  class asking_calls : public storage::system_calls {
   public:
    explicit asking_calls(std::promise<bool>& answer) : answer_(answer) {}
    storage::call_result create(int folder, const char* name) noexcept override {
      sigset_t now;
      ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
      answer_.set_value(::sigismember(&now, SIGTERM) == 1 && ::sigismember(&now, SIGSEGV) == 0);
      return system_calls::create(folder, name);
    }

   private:
    std::promise<bool>& answer_;
  };
  const auto writer = start(folder, done, std::make_shared<asking_calls>(blocked));
  writer->submit({.action = file_action::create, .name = "a"});
  CHECK(blocked.get_future().get());
  sigset_t ours;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &ours);
  CHECK(::sigismember(&ours, SIGTERM) == 0);
}
