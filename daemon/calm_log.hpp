// SPDX-License-Identifier: MIT
//
// Decides when a trouble that comes again and again is said: at once, then at a calm rate with how
// often it came, and once when it is over. Knows no clock and no log.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace captured::daemon {

/// "90 s", "12 min", "5 h": how long something lasted, for people.
[[nodiscard]] std::string lasting_text(std::chrono::steady_clock::duration lasting);

class calm_log {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// How it was up to now, this time included.
  struct history {
    std::uint64_t times = 1;
    std::chrono::steady_clock::duration lasting{0};  ///< since the first time

    /// Behind the sentence of a trouble: "" or " (37 times in 12 min)".
    [[nodiscard]] std::string repetition() const;
  };

  /// A trouble of a thing ("output main") for a cause ("open") just came. It is to be said when a
  /// history is returned: the first time, then a minute, ten minutes, and each hour after the
  /// first time it was said. One that did not come for an hour is a new one.
  [[nodiscard]] std::optional<history> trouble(const std::string& thing, const std::string& cause,
                                               time_point now);

  /// The thing is well again; every cause of it is forgotten. It is to be said when a history is
  /// returned: of all causes together, and only if there was a trouble.
  [[nodiscard]] std::optional<history> over(const std::string& thing, time_point now);

 private:
  struct state {
    time_point first;
    time_point last;
    time_point next_saying;
    std::uint64_t times = 0;
  };
  void make_room();

  std::map<std::pair<std::string, std::string>, state> troubles_;  // by thing and cause
};

/// Troubles that are remembered; beyond it, the one that came longest ago is forgotten.
inline constexpr std::size_t calm_log_troubles_max = 1000;

}  // namespace captured::daemon
