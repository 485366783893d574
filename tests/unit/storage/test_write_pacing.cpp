// SPDX-License-Identifier: MIT
#include <vector>

#include "storage/write_pacing.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace std::chrono_literals;
using storage::write_pacing;

namespace {

constexpr base::steady_time start{std::chrono::hours(1)};
constexpr auto silence = write_pacing::patience + 1ms;

/// Adds that many, numbered on from `first`.
void add(write_pacing& pacing, std::uint32_t count, std::uint32_t first = 0) {
  for (std::uint32_t i = 0; i < count; ++i) {
    pacing.add(first + i);
  }
}

std::vector<std::uint32_t> begun(write_pacing& pacing, base::steady_time now) {
  std::vector<std::uint32_t> all;
  while (const auto one = pacing.next(now)) {
    all.push_back(*one);
  }
  return all;
}

/// One that has so many under way and has told of none for too long; the time then.
base::steady_time fall_silent(write_pacing& pacing, std::uint32_t under_way) {
  add(pacing, under_way);
  CHECK(begun(pacing, start).size() == under_way);
  return start + silence;
}

}  // namespace

TEST_CASE("all writes begin at once while the disk answers, in their order") {
  write_pacing pacing(100);
  auto now = start;
  std::uint32_t added = 0;
  for (int round = 0; round < 10; ++round) {
    add(pacing, 9, added);
    const auto some = begun(pacing, now);
    REQUIRE(some.size() == 9);
    for (const std::uint32_t one : some) {
      REQUIRE(one == added++);
    }
    now += silence;
    pacing.on_end(now);  // one answer each time is enough, however many are under way
  }
  CHECK(pacing.waiting() == 0);
}

TEST_CASE("a silent disk gets no further writes beyond a few until it answers") {
  write_pacing pacing(100);
  add(pacing, 3);
  CHECK(begun(pacing, start).size() == 3);

  add(pacing, write_pacing::enough - 3, 3);
  CHECK(begun(pacing, start).size() == write_pacing::enough - 3);
  const auto later = start + silence;
  add(pacing, 10, write_pacing::enough);
  CHECK(begun(pacing, later).empty());
  CHECK(begun(pacing, later + 1s).empty());

  pacing.on_end(later + 2s);
  CHECK(begun(pacing, later + 2s) == std::vector<std::uint32_t>{write_pacing::enough});
  CHECK(begun(pacing, later + 2s).empty());  // the others wait for their turn, answer by answer
}

TEST_CASE("a disk that has caught up is given all again") {
  write_pacing pacing(100);
  const auto now = fall_silent(pacing, 20);
  add(pacing, 2, 20);
  CHECK(begun(pacing, now).empty());
  for (std::size_t i = 0; i < 20 - write_pacing::enough; ++i) {
    pacing.on_end(now);
    CHECK(begun(pacing, now).empty());  // still more under way than it gets after a silence
  }
  pacing.on_end(now);
  pacing.on_end(now);
  CHECK(begun(pacing, now) == std::vector<std::uint32_t>{20, 21});
  add(pacing, 30, 22);
  CHECK(begun(pacing, now + 1ms).size() == 30);
}

TEST_CASE("a disk without anything to do is not silent") {
  write_pacing pacing(100);
  add(pacing, 1);
  CHECK(begun(pacing, start).size() == 1);
  pacing.on_end(start);
  add(pacing, 50, 1);
  CHECK(begun(pacing, start + 1h).size() == 50);
}

TEST_CASE("a disk that answers again is given all, however much keeps coming") {
  write_pacing pacing(1000);
  auto now = fall_silent(pacing, 30);
  add(pacing, 20, 30);
  CHECK(begun(pacing, now).empty());
  std::uint32_t added = 50;
  for (std::size_t i = 0; i < write_pacing::catches_up + 1; ++i) {
    pacing.on_end(now);
    add(pacing, 1, added++);
    static_cast<void>(begun(pacing, now));
    now += 1ms;
  }
  CHECK(pacing.waiting() == 0);
}

TEST_CASE("one slow write before a burst does not make a disk silent") {
  write_pacing pacing(100);
  add(pacing, 1);
  CHECK(begun(pacing, start).size() == 1);
  add(pacing, 30, 1);
  CHECK(begun(pacing, start + silence).size() == 30);
}
