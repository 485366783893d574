// SPDX-License-Identifier: MIT
#include "daemon/calm_log.hpp"

#include <algorithm>

namespace captured::daemon {

namespace {

using namespace std::chrono_literals;

/// When it is said next, if it was said now.
calm_log::time_point next_saying(calm_log::time_point first, calm_log::time_point now) {
  return now < first + 1min ? first + 1min : now < first + 10min ? first + 10min : now + 1h;
}

}  // namespace

std::string lasting_text(std::chrono::steady_clock::duration lasting) {
  const auto text = [](auto count, const char* unit) { return std::to_string(count) + " " + unit; };
  const auto seconds = std::chrono::round<std::chrono::seconds>(lasting);
  return seconds < 2min  ? text(seconds.count(), "s")
         : seconds < 2h  ? text(std::chrono::round<std::chrono::minutes>(seconds).count(), "min")
         : seconds < 48h ? text(std::chrono::round<std::chrono::hours>(seconds).count(), "h")
                         : text(std::chrono::round<std::chrono::days>(seconds).count(), "days");
}

std::string calm_log::history::repetition() const {
  return times == 1 ? std::string()
                    : " (" + std::to_string(times) + " times in " + lasting_text(lasting) + ")";
}

std::optional<calm_log::history> calm_log::trouble(const std::string& thing,
                                                   const std::string& cause, time_point now) {
  const auto key = std::pair(thing, cause);
  auto found = troubles_.find(key);
  if (found != troubles_.end() && now - found->second.last > 1h) {
    troubles_.erase(found);
    found = troubles_.end();
  }
  if (found == troubles_.end()) {
    make_room();
    found = troubles_.try_emplace(key, state{now, now, now, 0}).first;
  }
  state& it = found->second;
  it.last = now;
  ++it.times;
  if (now < it.next_saying) {
    return std::nullopt;
  }
  it.next_saying = next_saying(it.first, now);
  return history{it.times, now - it.first};
}

std::optional<calm_log::history> calm_log::over(const std::string& thing, time_point now) {
  std::optional<history> all;
  auto each = troubles_.lower_bound({thing, {}});
  while (each != troubles_.end() && each->first.first == thing) {
    const auto times = (all ? all->times : 0) + each->second.times;
    const auto lasting = std::max(all ? all->lasting : 0s, now - each->second.first);
    all = history{times, lasting};
    each = troubles_.erase(each);
  }
  return all;
}

void calm_log::make_room() {
  if (troubles_.size() == calm_log_troubles_max) {
    troubles_.erase(
        std::ranges::min_element(troubles_, {}, [](const auto& each) { return each.second.last; }));
  }
}

}  // namespace captured::daemon
