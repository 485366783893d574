// SPDX-License-Identifier: MIT
#include <array>
#include <vector>

#include "pipeline/scan_pace.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace std::chrono_literals;
using pipeline::pace_of;
using pipeline::pause_of;
using pipeline::ring_pace;

namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t ten_gigabit = 10'000'000'000;

base::steady_time at(std::chrono::nanoseconds since) {
  return base::steady_time(1h + since);
}

/// A ring of 1 MiB blocks in which one was found every `per_block`, last at time 0.
ring_pace steady(std::uint32_t blocks, std::chrono::nanoseconds per_block,
                 std::uint64_t speed = ten_gigabit) {
  ring_pace one = pace_of(blocks, blocks * mib, speed);
  one.on_scan(1, at(-per_block));
  one.on_scan(1, at(0ns));
  return one;
}

std::chrono::nanoseconds pause(const ring_pace& one, std::chrono::nanoseconds since = 0ns,
                               bool pausing = false) {
  return pause_of(std::span(&one, 1), at(since), pausing);
}

}  // namespace

TEST_CASE("a slow link tells of each block") {
  CHECK(pause(steady(64, 100ms)) == 0ns);
  CHECK(pause(steady(64, 20ms)) == 0ns);
}

TEST_CASE("a fast one is looked at when it has a sixteenth of the ring") {
  CHECK(pause(steady(64, 2ms)) == 8ms);
  CHECK(pause(steady(64, 1ms)) == 4ms);
}

TEST_CASE("what a link could carry at most fills no more than three eighths meanwhile") {
  // 32 MiB are filled in 26.8 ms by 10 Gbit/s.
  CHECK(pause(steady(32, 6ms)) > 10ms);
  CHECK(pause(steady(32, 6ms)) < 10.1ms);
  CHECK(pause(steady(256, 6ms)) == 20ms);
  CHECK(pause(steady(256, 6ms, 10 * ten_gigabit)) < 9ms);
  // A slower link counts as one of 10 Gbit/s, one that does not tell as one of 100.
  CHECK(pause(steady(32, 6ms, 10)) == pause(steady(32, 6ms)));
  CHECK(pause(steady(256, 6ms, 0)) == pause(steady(256, 6ms, 10 * ten_gigabit)));
}

TEST_CASE("a small ring is not left alone") {
  CHECK(pause(steady(4, 2ms)) == 0ns);
  CHECK(pause(pace_of(0, 0, 0)) == 0ns);
}

TEST_CASE("several rings are looked at together, as often as the most urgent one wants") {
  const std::array both{steady(64, 4ms), steady(64, 1ms)};
  CHECK(pause_of(both, at(0ns), false) == 4ms);
  const std::array half_as_fast_each{steady(64, 12ms), steady(64, 12ms)};
  CHECK(pause_of(half_as_fast_each, at(0ns), false) == 20ms);
  const std::array with_a_small_one{steady(64, 1ms), pace_of(1, mib, 0)};
  CHECK(pause_of(with_a_small_one, at(0ns), false) == 0ns);
}

TEST_CASE("a burst that ends ends the pauses") {
  const ring_pace one = steady(64, 2ms);
  CHECK(pause(one, 8ms) > 0ns);
  CHECK(pause(one, 50ms) == 0ns);
}

TEST_CASE("a rate near the limit neither begins with pauses nor ends them") {
  CHECK(pause(steady(64, 18ms)) == 0ns);
  CHECK(pause(steady(64, 18ms), 0ns, true) == 20ms);
  CHECK(pause(steady(64, 24ms), 0ns, true) == 20ms);
  CHECK(pause(steady(64, 30ms), 0ns, true) == 0ns);
  CHECK(pause(steady(64, 2ms), 40ms, true) == 0ns);
}

TEST_CASE("several blocks found at once came at equal distances") {
  ring_pace one = pace_of(64, 64 * mib, ten_gigabit);
  one.on_scan(1, at(-8ms));
  one.on_scan(0, at(-4ms));
  one.on_scan(4, at(0ns));
  CHECK(one.per_block == 2ms);
  CHECK(pause(one) == 8ms);
}
