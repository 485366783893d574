// SPDX-License-Identifier: MIT
// What the next life finds in a journal whose writer was stopped at each of its steps.
#include <csignal>
#include <cstdio>

#include <sys/wait.h>
#include <unistd.h>

#include "capture/ring_journal.hpp"
#include "support/catch.hpp"

namespace base = captured::base;
using captured::capture::ring_journal;
using captured::capture::ring_progress;

namespace {

ring_journal next_life(const ring_journal& of) {
  return ring_journal::take_over(base::unique_fd(::dup(of.fd()))).value();
}

TEST_CASE("a new journal has nothing dealt with, and begins at the kernel's first block") {
  const ring_journal journal = ring_journal::make().value();
  CHECK(journal.progress().block == 1);
  CHECK(journal.progress().packets_total == 0);
  CHECK(journal.sums().packets_total == 0);
}

TEST_CASE("progress is there for the next life as it was noted last") {
  ring_journal journal = ring_journal::make().value();
  journal.room_for_counters() = {.packets = 20, .drops = 9, .freezes = 1};
  journal.add_counted();
  for (std::uint32_t i = 1; i < 5; ++i) {
    journal.set_progress({.block = i, .packets = 2 * i, .packets_total = 3 * i, .losses_told = i});
    const ring_journal next = next_life(journal);
    CHECK(next.progress().block == i);
    CHECK(next.progress().packets == 2 * i);
    CHECK(next.progress().packets_total == 3 * i);
    CHECK(next.progress().losses_told == i);
  }
}

TEST_CASE("a reading of the kernel's counters is summed up once, whoever was stopped in between") {
  ring_journal journal = ring_journal::make().value();
  static_cast<void>(journal.room_for_counters());
  CHECK(next_life(journal).sums().packets_total == 0);  // stopped before the kernel wrote
  journal.room_for_counters() = {.packets = 100, .drops = 7, .freezes = 1};
  ring_journal next = next_life(journal);  // stopped before it was added
  CHECK(next.sums().packets_total == 100);
  CHECK(next.sums().drops_total == 7);
  CHECK(next.sums().freezes_total == 1);
  CHECK(next_life(next).sums().packets_total == 100);  // stopped after it was added
  next.room_for_counters() = {.packets = 11, .drops = 0, .freezes = 0};
  next.add_counted();
  next.add_counted();
  CHECK(next.sums().packets_total == 111);
  static_cast<void>(
      next.room_for_counters());  // stopped before the kernel wrote, with an older reading around
  CHECK(next_life(next).sums().packets_total == 111);
}

TEST_CASE("a journal whose figures contradict one another is refused") {
  for (const ring_progress& wrong : {ring_progress{.block = 0}, ring_progress{.losses_told = 1}}) {
    ring_journal journal = ring_journal::make().value();
    journal.set_progress(wrong);
    CHECK(ring_journal::take_over(base::unique_fd(::dup(journal.fd()))).has_error());
  }
}

TEST_CASE("blocks that are given back are counted in their order") {
  ring_journal journal = ring_journal::make().value();
  journal.room_for_counters() = {.packets = 20, .drops = 2, .freezes = 1};
  journal.add_counted();
  journal.set_progress({.block = 4, .packets = 2, .packets_total = 12});
  journal.note_given_back(4, 5, 0);
  journal.note_given_back(5, 6, 2);
  journal.note_given_back(5, 6, 2);  // noted before
  const ring_progress now = next_life(journal).progress();
  CHECK(now.block == 6);
  CHECK(now.packets == 0);
  CHECK(now.packets_total == 12 + 3 + 6);
  CHECK(now.losses_told == 2);
}

TEST_CASE("a block that is not the next one ends the process, also one in the place of the next") {
  ring_journal journal = ring_journal::make().value();
  journal.note_given_back(1, 5, 0);
  for (const std::uint64_t block : {3u, 6u}) {
    const pid_t child = ::fork();
    if (child == 0) {
      std::signal(SIGABRT, SIG_DFL);
      std::fclose(stderr);
      journal.note_given_back(block, 5, 0);
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
  }
  CHECK(journal.progress().block == 2);
}

TEST_CASE("progress and sums do not disturb each other") {
  ring_journal journal = ring_journal::make().value();
  journal.room_for_counters() = {.packets = 5, .drops = 0, .freezes = 0};
  journal.set_progress({.block = 2, .packets = 0, .packets_total = 5});
  CHECK(journal.sums().packets_total == 0);
  journal.add_counted();
  CHECK(journal.progress().block == 2);
  CHECK(journal.sums().packets_total == 5);
}

}  // namespace
