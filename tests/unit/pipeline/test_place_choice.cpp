// SPDX-License-Identifier: MIT
#include <chrono>

#include "pipeline/place_choice.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using captured::base::steady_time;
using captured::pipeline::place_choice;
using captured::pipeline::place_view;

namespace {

constexpr place_view well{.is_attached = true, .works = true};
constexpr place_view untested{.is_attached = true};
constexpr place_view gone{};
constexpr place_view bad{.is_attached = true, .is_bad = true};
constexpr place_view full{.is_attached = true, .is_full = true};

constexpr steady_time begin{std::chrono::hours(1)};

}  // namespace

TEST_CASE("without a second folder nothing is chosen, whatever the first one suffers from") {
  place_choice choice;
  for (const place_view& first : {well, untested, gone, bad, full}) {
    CHECK(choice.choose({first, gone}, begin) == 0);
  }
}

TEST_CASE("the second folder is gone to when the first is bad, full or gone, if it is any better") {
  for (const place_view& first : {gone, bad, full}) {
    CHECK(place_choice().choose({first, untested}, begin) == 1);
    CHECK(place_choice().choose({first, bad}, begin) == (first.is_attached ? 0 : 1));
  }
  CHECK(place_choice().choose({well, well}, begin) == 0);
  CHECK(place_choice().choose({untested, well}, begin) == 0);
}

TEST_CASE("the first folder is come back to when it works, not when it merely looks well") {
  place_choice choice;
  REQUIRE(choice.choose({bad, untested}, begin) == 1);
  CHECK(choice.choose({untested, untested}, begin + 1s) == 1);
  CHECK(choice.choose({gone, untested}, begin + 2s) == 1);
  CHECK(choice.choose({well, untested}, begin + 3s) == 0);
}

TEST_CASE("when the second folder fails too, the first one is better than nothing") {
  place_choice choice;
  REQUIRE(choice.choose({full, untested}, begin) == 1);
  CHECK(choice.choose({full, full}, begin) == 1);
  CHECK(choice.choose({untested, full}, begin) == 0);
  REQUIRE(choice.choose({gone, untested}, begin) == 1);
  CHECK(choice.choose({bad, gone}, begin) == 0);
}

TEST_CASE("a folder that fails again soon after it was come back to is trusted later each time") {
  place_choice choice;
  steady_time now = begin;
  std::chrono::milliseconds waited_before{0};
  for (int turn = 0; turn < 12; ++turn) {
    REQUIRE(choice.choose({bad, untested}, now) == 1);
    const steady_time left = now;
    while (choice.choose({well, untested}, now) == 1) {
      now += 100ms;
      REQUIRE(now < left + 301s);
    }
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(now - left);
    CHECK((turn == 0 ? waited == 0ms : waited >= waited_before));
    CHECK(waited <= 300s);
    waited_before = waited;
    now += 1s;
  }
  CHECK(waited_before == 300s);
  // Once it has been well for a while it is trusted as at first.
  now += 120s;
  REQUIRE(choice.choose({bad, untested}, now) == 1);
  CHECK(choice.choose({well, untested}, now) == 0);
}
