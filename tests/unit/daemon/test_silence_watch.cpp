// SPDX-License-Identifier: MIT
#include "daemon/silence_watch.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace std::chrono_literals;
using daemon::silence_event;
using daemon::silence_watch;

namespace {

constexpr silence_watch::time_point start{1000h};

}  // namespace

TEST_CASE("an interface that carried packets and then none for too long is an alarm, once") {
  silence_watch watch;
  CHECK_FALSE(watch.feed("eth0", 0, 60s, start));
  CHECK_FALSE(watch.feed("eth0", 10, 60s, start + 10s));
  CHECK_FALSE(watch.feed("eth0", 10, 60s, start + 70s));
  const auto fell = watch.feed("eth0", 10, 60s, start + 71s);
  REQUIRE(fell.has_value());
  CHECK(fell->what == silence_event::kind::fell_silent);
  CHECK(fell->text() == "silent: no packet for 61 s, and it used to carry packets");
  CHECK_FALSE(watch.feed("eth0", 10, 60s, start + 10h));
  const auto back = watch.feed("eth0", 11, 60s, start + 10h + 10s);
  REQUIRE(back.has_value());
  CHECK(back->what == silence_event::kind::came_back);
  CHECK(back->text() == "no longer silent: packets again after 10 h");
  CHECK(watch.feed("eth0", 11, 60s, start + 11h).has_value());
}

TEST_CASE("an interface that never carried a packet is no alarm") {
  silence_watch watch;
  for (auto time = 0min; time < 100min; ++time) {
    CHECK_FALSE(watch.feed("eth0", 0, 1s, start + time));
  }
}

TEST_CASE("packets from before the first look count") {
  silence_watch watch;
  CHECK_FALSE(watch.feed("eth0", 7, 60s, start));
  CHECK(watch.feed("eth0", 7, 60s, start + 61s).has_value());
}

TEST_CASE("without a limit there is no alarm, and a limit that comes later holds at once") {
  silence_watch watch;
  CHECK_FALSE(watch.feed("eth0", 7, 0s, start));
  CHECK_FALSE(watch.feed("eth0", 7, 0s, start + 10h));
  CHECK(watch.feed("eth0", 7, 60s, start + 11h)->silent == 11h);
}

TEST_CASE("an alarm whose limit is taken away still ends when packets come") {
  silence_watch watch;
  static_cast<void>(watch.feed("eth0", 7, 60s, start));
  CHECK(watch.feed("eth0", 7, 60s, start + 61s).has_value());
  CHECK(watch.feed("eth0", 8, 0s, start + 70s)->what == silence_event::kind::came_back);
}

TEST_CASE("counters that begin anew are not packets, but what they then count is") {
  silence_watch watch;
  static_cast<void>(watch.feed("eth0", 1000, 60s, start));
  CHECK_FALSE(watch.feed("eth0", 0, 60s, start + 50s));
  CHECK(watch.feed("eth0", 0, 60s, start + 61s)->what == silence_event::kind::fell_silent);
  CHECK(watch.feed("eth0", 3, 60s, start + 62s)->what == silence_event::kind::came_back);
}

TEST_CASE("interfaces are watched apart, and one that is forgotten begins anew") {
  silence_watch watch;
  static_cast<void>(watch.feed("eth0", 1, 60s, start));
  static_cast<void>(watch.feed("eth1", 1, 60s, start));
  static_cast<void>(watch.feed("eth1", 2, 60s, start + 61s));
  CHECK_FALSE(watch.feed("eth1", 2, 60s, start + 62s));
  watch.forget("eth0");
  CHECK_FALSE(watch.feed("eth0", 0, 60s, start + 62s));
  CHECK_FALSE(watch.feed("eth0", 0, 60s, start + 10h));
}
