// SPDX-License-Identifier: MIT
#include <vector>

#include "daemon/calm_log.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace std::chrono_literals;
using daemon::calm_log;

namespace {

constexpr calm_log::time_point start{1000h};

}  // namespace

TEST_CASE("a trouble of every second is said at once, after a minute, ten, and then hourly") {
  calm_log calm;
  std::vector<std::chrono::seconds> said;
  std::vector<std::string> words;
  for (auto second = 0s; second <= 3h; ++second) {
    if (const auto history = calm.trouble("output main", "open", start + second)) {
      said.push_back(second);
      words.push_back(history->repetition());
    }
  }
  CHECK(said == std::vector<std::chrono::seconds>{0s, 60s, 600s, 4200s, 7800s});
  CHECK(words == std::vector<std::string>{"", " (61 times in 60 s)", " (601 times in 10 min)",
                                          " (4201 times in 70 min)", " (7801 times in 2 h)"});
}

TEST_CASE("a trouble that is rarer than the rate is said with what was not said before") {
  calm_log calm;
  CHECK(calm.trouble("a", "x", start).has_value());
  CHECK_FALSE(calm.trouble("a", "x", start + 59s).has_value());
  const auto later = calm.trouble("a", "x", start + 5min);
  REQUIRE(later.has_value());
  CHECK(later->times == 3);
  CHECK_FALSE(calm.trouble("a", "x", start + 9min).has_value());
  CHECK(calm.trouble("a", "x", start + 20min)->times == 5);
}

TEST_CASE("each thing and each cause has a rate of its own") {
  calm_log calm;
  CHECK(calm.trouble("a", "x", start).has_value());
  CHECK(calm.trouble("a", "y", start).has_value());
  CHECK(calm.trouble("b", "x", start).has_value());
  CHECK_FALSE(calm.trouble("a", "x", start + 1s).has_value());
}

TEST_CASE("the end of a trouble is said once, with all causes of it, and makes the next one new") {
  calm_log calm;
  CHECK_FALSE(calm.over("a", start).has_value());
  static_cast<void>(calm.trouble("a", "x", start));
  static_cast<void>(calm.trouble("a", "x", start + 1s));
  static_cast<void>(calm.trouble("a", "y", start + 2s));
  static_cast<void>(calm.trouble("ab", "x", start));
  const auto over = calm.over("a", start + 10s);
  REQUIRE(over.has_value());
  CHECK(over->times == 3);
  CHECK(over->lasting == 10s);
  CHECK_FALSE(calm.over("a", start + 11s).has_value());
  CHECK(calm.trouble("a", "x", start + 12s)->times == 1);
  CHECK_FALSE(calm.trouble("ab", "x", start + 12s).has_value());
}

TEST_CASE("a trouble that did not come for more than an hour is a new one") {
  calm_log calm;
  static_cast<void>(calm.trouble("a", "x", start));
  CHECK(calm.trouble("a", "x", start + 1h)->times == 2);
  CHECK(calm.trouble("a", "x", start + 2h + 1s)->times == 1);
}

TEST_CASE("the memory for troubles is bounded: the one that came longest ago is forgotten") {
  calm_log calm;
  for (std::size_t i = 0; i < daemon::calm_log_troubles_max; ++i) {
    CHECK(calm.trouble(std::to_string(i), "x", start + std::chrono::milliseconds(i)).has_value());
  }
  static_cast<void>(calm.trouble("0", "x", start + 50s));
  CHECK(calm.trouble("one more", "x", start + 51s).has_value());
  CHECK_FALSE(calm.trouble("0", "x", start + 52s).has_value());
  CHECK(calm.trouble("1", "x", start + 52s).has_value());
}

TEST_CASE("how long something lasted is said in the unit that people would take") {
  CHECK(daemon::lasting_text(1499ms) == "1 s");
  CHECK(daemon::lasting_text(119s) == "119 s");
  CHECK(daemon::lasting_text(120s) == "2 min");
  CHECK(daemon::lasting_text(119min) == "119 min");
  CHECK(daemon::lasting_text(2h) == "2 h");
  CHECK(daemon::lasting_text(47h) == "47 h");
  CHECK(daemon::lasting_text(10 * 24h) == "10 days");
}
