// SPDX-License-Identifier: MIT
#include <limits>
#include <vector>

#include "storage/rotation.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace std::chrono_literals;
using storage::file_progress;
using storage::next_interval_end;
using storage::packets_left;
using storage::rotation_due;
using storage::rotation_options;
using storage::rotation_reason;

namespace {

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

base::wall_time at(std::chrono::nanoseconds since_epoch) {
  return base::wall_time(since_epoch);
}

rotation_options only_size(std::uint64_t bytes) {
  return {bytes, 0s, 0, false};
}
rotation_options only_interval(std::chrono::seconds interval) {
  return {0, interval, 0, false};
}
rotation_options only_packets(std::uint64_t packets) {
  return {0, 0s, packets, false};
}

file_progress begun(const rotation_options& options, base::wall_time now) {
  return {0, 0, next_interval_end(options, now)};
}

}  // namespace

TEST_CASE("an interval ends at the next multiple of it since 1970, not after its length") {
  const auto options = only_interval(300s);
  CHECK(next_interval_end(options, at(0s)) == at(300s));
  CHECK(next_interval_end(options, at(1ns)) == at(300s));
  CHECK(next_interval_end(options, at(300s - 1ns)) == at(300s));
  CHECK(next_interval_end(options, at(300s)) == at(600s));
  // 2018-02-20 12:00:00.195312500 UTC lies in the five minutes that end at 12:05:00.
  CHECK(next_interval_end(options, at(1519128000195312500ns)) == at(1519128300s));
}

TEST_CASE("an interval that does not divide a day is aligned to 1970 all the same") {
  const auto end = next_interval_end(only_interval(7s), at(1519128000s));
  CHECK(end.time_since_epoch() % 7s == 0s);
  CHECK(end > at(1519128000s));
  CHECK(end <= at(1519128007s));
}

TEST_CASE("an interval ends after the moment also before 1970") {
  CHECK(next_interval_end(only_interval(10s), at(-1ns)) == at(0s));
  CHECK(next_interval_end(only_interval(10s), at(-10s)) == at(0s));
  CHECK(next_interval_end(only_interval(10s), at(-10s - 1ns)) == at(-10s));
}

TEST_CASE("without an interval, or at the end of the clock's range, an interval never ends") {
  CHECK(next_interval_end(only_interval(0s), at(5s)) == base::wall_time::max());
  CHECK(next_interval_end(only_interval(-1s), at(5s)) == base::wall_time::max());
  CHECK(next_interval_end(only_interval(std::chrono::seconds::max()), at(5s)) ==
        base::wall_time::max());
  CHECK(next_interval_end(only_interval(300s), base::wall_time::max()) == base::wall_time::max());
  CHECK(next_interval_end(only_interval(300s), base::wall_time::min()) > base::wall_time::min());
}

TEST_CASE("a file ends at its interval's end to the nanosecond, with or without traffic") {
  const auto options = only_interval(60s);
  for (const std::uint64_t packets : {0u, 1u, 1000000u}) {
    auto file = begun(options, at(30s));
    file.packets = packets;
    CHECK(rotation_due(options, file, 1, at(60s - 1ns)) == rotation_reason::none);
    CHECK(rotation_due(options, file, 1, at(60s)) == rotation_reason::interval);
    CHECK(rotation_due(options, file, 0, at(10h)) == rotation_reason::interval);
  }
}

TEST_CASE("with skip_empty the interval leaves a file open until it holds a packet") {
  auto options = only_interval(60s);
  options.skip_empty = true;
  auto file = begun(options, at(30s));
  CHECK(rotation_due(options, file, 100, at(60s)) == rotation_reason::none);
  CHECK(rotation_due(options, file, 100, at(-10h)) == rotation_reason::none);
  file.packets = 1;
  CHECK(rotation_due(options, file, 100, at(60s)) == rotation_reason::interval);
}

TEST_CASE("a clock that steps back a little leaves the file open, one that steps far ends it") {
  const auto options = only_interval(60s);
  const auto file = begun(options, at(3600s));
  REQUIRE(file.interval_end == at(3660s));
  CHECK(rotation_due(options, file, 1, at(3600s - 1ns)) == rotation_reason::none);
  CHECK(rotation_due(options, file, 1, at(3540s)) == rotation_reason::none);
  CHECK(rotation_due(options, file, 1, at(3540s - 1ns)) == rotation_reason::interval);
  CHECK(rotation_due(options, file, 1, base::wall_time::min()) == rotation_reason::interval);
}

TEST_CASE("after a step of the clock the next file ends with its own interval, once") {
  const auto options = only_interval(60s);
  // Wall clock per second of real time: ten minutes on, two hours back, ten minutes on, a day on.
  auto wall = at(7 * 3600s);
  auto file = begun(options, wall);
  int rotations = 0;
  const auto run = [&](int seconds) {
    for (int i = 0; i < seconds; ++i) {
      wall += 1s;
      if (rotation_due(options, file, 1, wall) == rotation_reason::interval) {
        file = begun(options, wall);
        ++rotations;
        CHECK(rotation_due(options, file, 1, wall) == rotation_reason::none);
      }
    }
  };
  run(600);
  CHECK(rotations == 10);
  wall -= 2h;
  run(600);
  CHECK(rotations == 21);
  wall += 24h;
  run(600);
  CHECK(rotations == 32);
}

TEST_CASE("an interval longer than the clock's range switches nothing on") {
  const auto options = only_interval(std::chrono::seconds::max());
  const file_progress file{1, 1, base::wall_time::max()};
  CHECK(rotation_due(options, file, 1, base::wall_time::max()) == rotation_reason::none);
}

TEST_CASE("a file ends for size before what would not fit, and when it is full") {
  const auto options = only_size(1000);
  CHECK(rotation_due(options, {900, 1, {}}, 100, at(0s)) == rotation_reason::none);
  CHECK(rotation_due(options, {900, 1, {}}, 101, at(0s)) == rotation_reason::size);
  CHECK(rotation_due(options, {1000, 1, {}}, 0, at(0s)) == rotation_reason::size);
  CHECK(rotation_due(options, {1001, 1, {}}, 0, at(0s)) == rotation_reason::size);
  CHECK(rotation_due(options, {999, 1, {}}, 0, at(0s)) == rotation_reason::none);
}

TEST_CASE("sizes near the largest number do not run over") {
  CHECK(rotation_due(only_size(1000), {900, 1, {}}, largest, at(0s)) == rotation_reason::size);
  CHECK(rotation_due(only_size(largest), {largest - 1, 1, {}}, 2, at(0s)) == rotation_reason::size);
  CHECK(rotation_due(only_size(largest), {largest - 1, 1, {}}, 1, at(0s)) == rotation_reason::none);
}

TEST_CASE("a file without packets is never ended for size, so that large things get a file") {
  CHECK(rotation_due(only_size(10), {0, 0, {}}, largest, at(0s)) == rotation_reason::none);
  CHECK(rotation_due(only_size(10), {500, 0, {}}, 1, at(0s)) == rotation_reason::none);
}

TEST_CASE("the limit of packets is exact") {
  const auto options = only_packets(3);
  for (std::uint64_t packets = 0; packets < 3; ++packets) {
    CHECK(rotation_due(options, {0, packets, {}}, largest, at(0s)) == rotation_reason::none);
    CHECK(packets_left(options, {0, packets, {}}) == 3 - packets);
  }
  CHECK(rotation_due(options, {0, 3, {}}, 0, at(0s)) == rotation_reason::packets);
  CHECK(packets_left(options, {0, 3, {}}) == std::uint64_t{0});
  CHECK(packets_left(options, {0, 4, {}}) == std::uint64_t{0});
  CHECK_FALSE(packets_left(only_packets(0), {0, 4, {}}).has_value());
}

TEST_CASE("taking as many packets as are left cuts a stream into files of exactly that many") {
  const auto options = only_packets(7);
  file_progress file;
  std::vector<std::uint64_t> files;
  for (std::uint64_t block = 0; block < 100; ++block) {
    for (std::uint64_t packets = block % 13; packets > 0;) {
      if (rotation_due(options, file, 1, at(0s)) == rotation_reason::packets) {
        files.push_back(file.packets);
        file = {};
      }
      const auto take = std::min(packets, *packets_left(options, file));
      REQUIRE(take > 0);
      file.packets += take;
      packets -= take;
    }
  }
  REQUIRE_FALSE(files.empty());
  CHECK(std::vector<std::uint64_t>(files.size(), 7) == files);
}

TEST_CASE("with all limits off a file never ends by itself") {
  const auto options = only_size(0);
  CHECK(rotation_due(options, {largest, largest, base::wall_time::min()}, largest,
                     base::wall_time::max()) == rotation_reason::none);
}

TEST_CASE("each combination of limits reached names the first of size, interval, packets") {
  const rotation_options options{1000, 60s, 10, false};
  for (const bool size : {false, true}) {
    for (const bool interval : {false, true}) {
      for (const bool packets : {false, true}) {
        const file_progress file{size ? 1000u : 10u, packets ? 10u : 9u, at(60s)};
        const auto now = interval ? at(60s) : at(59s);
        const auto expected = size       ? rotation_reason::size
                              : interval ? rotation_reason::interval
                              : packets  ? rotation_reason::packets
                                         : rotation_reason::none;
        CHECK(rotation_due(options, file, 1, now) == expected);
      }
    }
  }
}
