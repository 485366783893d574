// SPDX-License-Identifier: MIT
//
// What every implementation of file_operations on a real disk keeps to, whichever way its writes
// take: the threads of file_writer, through the page cache or around it, and io_uring.
#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <mutex>
#include <vector>

#include <poll.h>
#include <sys/resource.h>

#include "base/mapping.hpp"
#include "storage/file_writer.hpp"
#include "storage/uring_writer.hpp"
#include "support/catch.hpp"
#include "support/faulty_calls.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using namespace std::chrono_literals;
using storage::file_action;
using storage::file_completion;
using storage::file_request;
using storage::file_writer;
using storage::uring_writer;
using testing::octets_of;
using testing::temporary_folder;
using strings = std::vector<std::string>;

namespace {

/// One way of writing, with its completions in the order in which they came.
class way_of_writing {
 public:
  virtual ~way_of_writing() = default;
  virtual storage::file_operations& files() = 0;
  virtual bool abandon(std::chrono::milliseconds grace) = 0;

  /// Waits until there are this many completions and returns the last of them.
  file_completion wait_for(std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    std::unique_lock lock(mutex_);
    while (all_.size() < count) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      lock.unlock();
      turn();
      lock.lock();
      arrived_.wait_for(lock, 1ms, [&] { return all_.size() >= count; });
    }
    return all_[count - 1];
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return all_.size();
  }
  file_completion ask(const file_request& what) {
    const std::size_t before = count();
    files().submit(what);
    return wait_for(before + 1);
  }

 protected:
  /// What the owner's loop would do between events.
  virtual void turn() {}
  storage::file_operations::completion_handler handler() {
    return [this](const file_completion& done) {
      const std::lock_guard lock(mutex_);
      all_.push_back(done);
      arrived_.notify_all();
    };
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<file_completion> all_;
};

class by_threads final : public way_of_writing {
 public:
  by_threads(const temporary_folder& folder, bool direct)
      : writer_(std::move(*file_writer::start(folder.open(), handler(),
                                              std::make_shared<storage::system_calls>(),
                                              {.direct = direct, .may_remove = {}}))) {}
  ~by_threads() override { writer_.reset(); }
  storage::file_operations& files() override { return *writer_; }
  bool abandon(std::chrono::milliseconds grace) override { return writer_->abandon(grace); }

 private:
  std::unique_ptr<file_writer> writer_;
};

class by_uring final : public way_of_writing {
 public:
  /// Nothing where the system does not allow it.
  static std::unique_ptr<by_uring> start(
      const temporary_folder& folder, bool one_thread = true,
      std::shared_ptr<storage::system_calls> calls = std::make_shared<storage::system_calls>()) {
    auto way = std::make_unique<by_uring>();
    auto writer = uring_writer::start(folder.open(), way->handler(), {}, {.one_thread = one_thread},
                                      std::move(calls));
    if (!writer) {
      return nullptr;
    }
    way->writer_ = std::move(*writer);
    return way;
  }
  ~by_uring() override { writer_.reset(); }
  storage::file_operations& files() override { return *writer_; }
  uring_writer& uring() { return *writer_; }
  bool abandon(std::chrono::milliseconds grace) override { return writer_->abandon(grace); }

 private:
  void turn() override {
    writer_->flush();
    writer_->want_notices(true);
    writer_->reap();
    pollfd event{.fd = writer_->event_fd(), .events = POLLIN, .revents = 0};
    if (::poll(&event, 1, 1) == 1) {
      std::uint64_t count = 0;
      static_cast<void>(::read(event.fd, &count, sizeof count));
      writer_->reap();
    }
  }
  std::unique_ptr<uring_writer> writer_;
};

/// Runs a test once for each way that this machine has.
template <class Test>
void each_way(const Test& test) {
  SECTION("through the page cache") {
    const temporary_folder folder;
    by_threads way(folder, false);
    test(folder, way);
  }
  SECTION("directly, by a thread") {
    const temporary_folder folder;
    by_threads way(folder, true);
    test(folder, way);
  }
  for (const bool one_thread : {false, true}) {
    DYNAMIC_SECTION("directly, by io_uring" << (one_thread ? " for one thread" : "")) {
      const temporary_folder folder;
      const auto way = by_uring::start(folder, one_thread);
      if (!way) {
        WARN("SKIPPED: this system does not allow io_uring");
        return;
      }
      test(folder, *way);
    }
  }
}

/// Page-aligned memory with a letter for each page.
class pages {
 public:
  explicit pages(std::size_t count) : memory_(base::mapping::anonymous(count * bytes).value()) {
    for (std::size_t i = 0; i < count; ++i) {
      std::fill_n(memory_.bytes().begin() + static_cast<std::ptrdiff_t>(i * bytes), bytes,
                  static_cast<std::byte>('a' + i % 26));
    }
  }
  static constexpr std::size_t bytes = storage::direct_alignment;
  [[nodiscard]] std::span<std::byte> all() { return memory_.bytes(); }
  [[nodiscard]] std::span<std::byte> page(std::size_t i) {
    return memory_.bytes().subspan(i * bytes, bytes);
  }
  [[nodiscard]] std::string text() {
    return {reinterpret_cast<const char*>(all().data()), all().size()};
  }

 private:
  base::mapping memory_;
};

}  // namespace

TEST_CASE("a file lives through all acts, each answered with its slot and token") {
  each_way([](const temporary_folder& folder, way_of_writing& way) {
    const std::string text = "hello, padded";
    const std::vector<file_request> requests{
        {.action = file_action::create,
         .slot = 3,
         .token = 1,
         .bytes_expected = 4096,
         .name = ".n"},
        {.action = file_action::publish, .slot = 3, .token = 2, .name = "a.part"},
        {.action = file_action::write, .slot = 3, .token = 3, .octets = octets_of(text)},
        {.action = file_action::sync, .slot = 3, .token = 4},
        {.action = file_action::finish,
         .slot = 3,
         .token = 5,
         .offset = 5,
         .force_to_device = true,
         .name = "a"},
    };
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const auto answer = way.ask(requests[i]);
      CHECK(answer.action == requests[i].action);
      CHECK(answer.slot == 3);
      CHECK(answer.token == i + 1);
      CHECK_FALSE(answer.error);
      CHECK(answer.octets_written == requests[i].octets.size());
    }
    CHECK(folder.names() == strings{"a"});
    CHECK(folder.read("a") == "hello");
  });
}

TEST_CASE("whole pages are written where they were asked for, and the file is cut to its length") {
  each_way([](const temporary_folder& folder, way_of_writing& way) {
    pages memory(8);
    REQUIRE_FALSE(way.ask({.action = file_action::create, .name = "a.part"}).error);
    const std::size_t order[] = {3, 0, 7, 1, 2, 6, 5, 4};
    for (const std::size_t i : order) {
      way.files().submit({.action = file_action::write,
                          .token = i,
                          .offset = i * pages::bytes,
                          .octets = memory.page(i)});
    }
    for (std::size_t i = 0; i < 8; ++i) {
      const auto answer = way.wait_for(2 + i);
      CHECK_FALSE(answer.error);
      CHECK(answer.octets_written == pages::bytes);
    }
    const std::size_t length = memory.all().size() - 100;
    CHECK_FALSE(way.ask({.action = file_action::finish, .offset = length, .name = "a"}).error);
    CHECK(folder.read("a") == memory.text().substr(0, length));
  });
}

TEST_CASE("a write that is not aligned goes the other way, and later ones are right too") {
  each_way([](const temporary_folder& folder, way_of_writing& way) {
    pages memory(3);
    REQUIRE_FALSE(way.ask({.action = file_action::create, .name = "a.part"}).error);
    CHECK_FALSE(way.ask({.action = file_action::write, .octets = memory.page(0)}).error);
    const auto piece = memory.page(1).first(100);
    CHECK(way.ask({.action = file_action::write, .offset = pages::bytes, .octets = piece})
              .octets_written == 100);
    CHECK(way.ask({.action = file_action::write,
                   .offset = pages::bytes + 100,
                   .octets = memory.page(1).subspan(100)})
              .octets_written == pages::bytes - 100);
    CHECK_FALSE(
        way.ask(
               {.action = file_action::write, .offset = 2 * pages::bytes, .octets = memory.page(2)})
            .error);
    CHECK_FALSE(
        way.ask({.action = file_action::finish, .offset = memory.all().size(), .name = "a"}).error);
    CHECK(folder.read("a") == memory.text());
  });
}

TEST_CASE("errors come back as the errno of the call that failed") {
  each_way([](const temporary_folder& folder, way_of_writing& way) {
    folder.write("a", "old");
    CHECK(way.ask({.action = file_action::create, .name = "a"}).error.value() == EEXIST);
    std::filesystem::remove_all(folder.path());
    CHECK(way.ask({.action = file_action::create, .name = "b"}).error.value() == ENOENT);
  });
}

TEST_CASE("a write beyond the allowed size of files fails, and nothing else does") {
  each_way([](const temporary_folder&, way_of_writing& way) {
    pages memory(1);
    REQUIRE_FALSE(way.ask({.action = file_action::create, .name = "a.part"}).error);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = ::signal(SIGXFSZ, SIG_IGN);
    const rlimit little{.rlim_cur = 1 << 20, .rlim_max = before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &little) == 0);
    const auto refused =
        way.ask({.action = file_action::write, .offset = 4 << 20, .octets = memory.page(0)});
    ::setrlimit(RLIMIT_FSIZE, &before);
    ::signal(SIGXFSZ, handler);
    CHECK(refused.error.value() == EFBIG);
    CHECK(refused.octets_written == 0);
    CHECK_FALSE(
        way.ask({.action = file_action::write, .offset = 4 << 20, .octets = memory.page(0)}).error);
  });
}

TEST_CASE("many writes under way are carried out on several files") {
  each_way([](const temporary_folder& folder, way_of_writing& way) {
    pages memory(26);
    for (std::uint32_t slot = 0; slot < 4; ++slot) {
      way.files().submit(
          {.action = file_action::create, .slot = slot, .name = std::to_string(slot)});
    }
    way.wait_for(4);
    for (std::size_t i = 0; i < 26; ++i) {
      for (std::uint32_t slot = 0; slot < 4; ++slot) {
        way.files().submit({.action = file_action::write,
                            .slot = slot,
                            .token = i,
                            .offset = i * pages::bytes,
                            .octets = memory.page(i)});
      }
    }
    way.wait_for(4 + 4 * 26);
    for (int slot = 0; slot < 4; ++slot) {
      CHECK(folder.read(std::to_string(slot)) == memory.text());
    }
  });
}

TEST_CASE("after abandoning no completion comes, and open files stay as they are") {
  each_way([](const temporary_folder& folder, way_of_writing& way) {
    pages memory(26);
    REQUIRE_FALSE(way.ask({.action = file_action::create, .name = "a.part"}).error);
    for (std::size_t i = 0; i < 26; ++i) {
      way.files().submit({.action = file_action::write,
                          .token = i,
                          .offset = i * pages::bytes,
                          .octets = memory.page(i)});
    }
    CHECK(way.abandon(60s));
    CHECK(way.count() <= 27);
    const std::size_t count = way.count();
    CHECK(way.abandon(60s));
    CHECK(way.count() == count);
    CHECK(folder.names() == strings{"a.part"});
  });
}

TEST_CASE("whole pages take the ring, everything else the threads") {
  const temporary_folder folder;
  const auto calls = std::make_shared<testing::faulty_calls>();
  const auto way = by_uring::start(folder, true, calls);
  if (!way || !storage::has_direct_writes(folder.open().get())) {
    WARN("SKIPPED: no io_uring or no direct writes here");
    return;
  }
  const auto writes_by_threads = [&calls] {
    const auto all = calls->calls();
    return std::count(all.begin(), all.end(), "write");
  };
  pages memory(2);
  REQUIRE_FALSE(way->ask({.action = file_action::create, .name = "a"}).error);
  CHECK_FALSE(way->ask({.action = file_action::write, .octets = memory.all()}).error);
  CHECK(writes_by_threads() == 0);
  CHECK_FALSE(way->ask({.action = file_action::write, .octets = memory.all().first(10)}).error);
  CHECK(writes_by_threads() > 0);
}

TEST_CASE("known memory is written from, and may go when it is not known any more") {
  const temporary_folder folder;
  const auto way = by_uring::start(folder);
  if (!way) {
    WARN("SKIPPED: this system does not allow io_uring");
    return;
  }
  REQUIRE_FALSE(way->ask({.action = file_action::create, .name = "a"}).error);
  for (std::size_t round = 0; round < 70; ++round) {
    pages memory(4);
    if (const auto error = way->uring().add_memory(memory.all())) {
      WARN("SKIPPED: the limit of locked memory: " << error.message());
      return;
    }
    const auto answer = way->ask({.action = file_action::write,
                                  .offset = round * memory.all().size(),
                                  .octets = memory.all()});
    CHECK(answer.octets_written == memory.all().size());
    way->uring().remove_memory(memory.all());
  }
  pages memory(4);
  std::string expected;
  for (int round = 0; round < 70; ++round) {
    expected += memory.text();
  }
  CHECK(folder.read("a") == expected);
}

TEST_CASE("more memories than there are places for are refused, and written from all the same") {
  const temporary_folder folder;
  const auto way = by_uring::start(folder);
  if (!way) {
    WARN("SKIPPED: this system does not allow io_uring");
    return;
  }
  pages memory(65);
  base::error_code last;
  for (std::size_t i = 0; i < 65; ++i) {
    last = way->uring().add_memory(memory.page(i));
    if (last.value() == ENOMEM) {
      WARN("SKIPPED: the limit of locked memory");
      return;
    }
  }
  CHECK(last.value() == ENOSPC);
  REQUIRE_FALSE(way->ask({.action = file_action::create, .name = "a"}).error);
  CHECK_FALSE(way->ask({.action = file_action::write, .octets = memory.page(64)}).error);
  CHECK(folder.read("a") == std::string(pages::bytes, static_cast<char>('a' + 64 % 26)));
}
