// SPDX-License-Identifier: MIT
#include <array>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.hpp"
#include "daemon/log_outputs.hpp"
#include "daemon/log_queue.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace std::chrono_literals;
using daemon::log_level;
using daemon::log_queue;

namespace {

/// A reader that can be held up.
class gated_output final : public daemon::log_output {
 public:
  void write(const daemon::log_record& record) override { take(record.text); }
  void show_status(const std::string& text) override { take("status " + text); }

  void close_gate() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void open_gate() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    change_.notify_all();
  }
  void wait_until_held() {
    std::unique_lock lock(mutex_);
    change_.wait(lock, [this] { return held_; });
  }
  [[nodiscard]] std::vector<std::string> taken() {
    const std::lock_guard lock(mutex_);
    return taken_;
  }

 private:
  void take(std::string text) {
    std::unique_lock lock(mutex_);
    held_ = true;
    change_.notify_all();
    change_.wait(lock, [this] { return open_; });
    held_ = false;
    taken_.push_back(std::move(text));
  }

  std::mutex mutex_;
  std::condition_variable change_;
  bool open_ = true;
  bool held_ = false;
  std::vector<std::string> taken_;
};

daemon::log_record line(std::string text) {
  return {std::chrono::system_clock::now(), log_level::info, {}, std::move(text)};
}

using texts = std::vector<std::string>;

/// How many lines came through, and how many are said to be missing.
std::pair<int, int> account_of(const std::string& read) {
  int lines = 0;
  int dropped = 0;
  std::istringstream stream(read);
  for (std::string each; std::getline(stream, each);) {
    if (each.find(" older lines of the log were dropped") == std::string::npos) {
      ++lines;
    } else {
      dropped += std::stoi(each.substr(each.find("warning ") + 8));
    }
  }
  return {lines, dropped};
}

}  // namespace

TEST_CASE("before its thread starts, a line is written by who logs it") {
  gated_output output;
  log_queue queue(output, 10);
  queue.push(line("a"));
  queue.show_status("s");
  CHECK(output.taken() == texts{"a", "status s"});
  CHECK(queue.finish(0ms));
}

TEST_CASE("lines keep their order, and everything is written at the end") {
  gated_output output;
  log_queue queue(output, 10'000);
  queue.push(line("before"));
  queue.start();
  for (int i = 0; i < 5000; ++i) {
    queue.push(line(std::to_string(i)));
  }
  CHECK(queue.finish(60s));
  const auto taken = output.taken();
  REQUIRE(taken.size() == 5001);
  CHECK(taken[1] == "0");
  CHECK(taken.back() == "4999");
  queue.push(line("after"));
  CHECK(output.taken().back() == "after");
}

TEST_CASE("a reader who does not read costs the oldest lines, which are counted") {
  gated_output output;
  output.close_gate();
  log_queue queue(output, 3);
  queue.start();
  queue.push(line("0"));
  output.wait_until_held();  // with the first line out of the queue
  for (const auto* const text : {"1", "2", "3", "4", "5"}) {
    queue.push(line(text));
  }
  CHECK_FALSE(queue.drain(1ms));
  CHECK_FALSE(queue.finish(1ms));
  output.open_gate();
  CHECK(queue.finish(60s));
  CHECK(output.taken() ==
        texts{"0", "2 older lines of the log were dropped: whoever reads it is too slow", "3", "4",
              "5"});
}

TEST_CASE("of the status line only the newest is kept, and lines go first") {
  gated_output output;
  output.close_gate();
  log_queue queue(output, 3);
  queue.start();
  queue.push(line("0"));
  output.wait_until_held();
  queue.show_status("old");
  queue.push(line("1"));
  queue.show_status("new");
  output.open_gate();
  CHECK(queue.finish(60s));
  CHECK(output.taken() == texts{"0", "1", "status new"});
}

TEST_CASE("a pipe that nobody reads holds nobody up who logs, and reading it sets all free") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  base::unique_fd read_end(ends[0]);
  base::unique_fd write_end(ends[1]);
  daemon::stream_output output(write_end.get(), settings::log_format::text);
  log_queue queue(output, 100);
  queue.start();
  const std::string filler(1000, 'x');
  constexpr int count = 2000;  // thirty times what a pipe holds
  for (int i = 0; i < count; ++i) {
    queue.push(line(filler + " " + std::to_string(i)));
  }
  CHECK_FALSE(queue.drain(10ms));

  std::string read;
  std::thread reader([&] {
    std::array<char, 65536> piece{};
    for (ssize_t got = 0; (got = ::read(read_end.get(), piece.data(), piece.size())) > 0;) {
      read.append(piece.data(), static_cast<std::size_t>(got));
    }
  });
  CHECK(queue.finish(60s));
  write_end.reset();
  reader.join();
  const auto [lines, dropped] = account_of(read);
  CHECK(dropped > 0);
  CHECK(lines + dropped == count);
  CHECK(read.ends_with("x " + std::to_string(count - 1) + "\n"));
}

TEST_CASE("a reader who went away is no trouble") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  base::unique_fd read_end(ends[0]);
  const base::unique_fd write_end(ends[1]);
  read_end.reset();
  daemon::stream_output output(write_end.get(), settings::log_format::text);
  auto* const before = ::signal(SIGPIPE, SIG_IGN);
  output.write(line("a"));
  ::signal(SIGPIPE, before);
}

TEST_CASE("the status line shares no line with the log") {
  std::array<int, 2> ends{};
  const auto text_of = [&](int from) {
    std::array<char, 4096> piece{};
    const auto got = ::read(from, piece.data(), piece.size());
    return std::string(piece.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  };
  SECTION("in a file or pipe each is a line of its own") {
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const base::unique_fd read_end(ends[0]);
    const base::unique_fd write_end(ends[1]);
    daemon::stream_output output(write_end.get(), settings::log_format::text);
    output.show_status("1 packet");
    output.show_status("");
    CHECK(text_of(read_end.get()) == "1 packet\n");
  }
  SECTION("on a terminal it moves below each line") {
    const base::unique_fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(master);
    REQUIRE(::grantpt(master.get()) == 0);
    REQUIRE(::unlockpt(master.get()) == 0);
    const base::unique_fd terminal(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(terminal);
    daemon::stream_output output(terminal.get(), settings::log_format::text);
    output.show_status("1 packet");
    CHECK(text_of(master.get()) == "\r\x1b[K1 packet");
    output.write(line("hello"));
    const auto redrawn = text_of(master.get());
    CHECK(redrawn.starts_with("\r\x1b[K20"));
    CHECK(redrawn.ends_with(" info hello\r\n1 packet"));
    output.show_status("");
    CHECK(text_of(master.get()) == "\r\x1b[K");
    output.write(line("bye"));
    CHECK(text_of(master.get()).starts_with("20"));
  }
}

TEST_CASE("standard error is the journal when the variable names its device and inode") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const base::unique_fd read_end(ends[0]);
  const base::unique_fd write_end(ends[1]);
  struct stat status {};
  REQUIRE(::fstat(write_end.get(), &status) == 0);
  const auto device = std::to_string(status.st_dev);
  const auto inode = std::to_string(status.st_ino);
  CHECK(daemon::is_journal(write_end.get(), (device + ":" + inode).c_str()));
  CHECK_FALSE(daemon::is_journal(write_end.get(), (device + ":" + inode + "0").c_str()));
  CHECK_FALSE(daemon::is_journal(write_end.get(), ""));
  CHECK_FALSE(daemon::is_journal(write_end.get(), nullptr));
}
