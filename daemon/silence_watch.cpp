// SPDX-License-Identifier: MIT
#include "daemon/silence_watch.hpp"

#include "daemon/calm_log.hpp"

namespace captured::daemon {

std::string silence_event::text() const {
  return what == kind::fell_silent
             ? "silent: no packet for " + lasting_text(silent) + ", and it used to carry packets"
             : "no longer silent: packets again after " + lasting_text(silent);
}

std::optional<silence_event> silence_watch::feed(const std::string& interface, std::uint64_t total,
                                                 std::chrono::steady_clock::duration limit,
                                                 time_point now) {
  const auto [found, is_new] = watched_.try_emplace(interface, state{0, now});
  state& it = found->second;
  const bool moved = total != it.total && total != 0;
  const auto silent = now - it.last_packet;
  it.total = total;
  if (moved) {
    it.carried = true;
    it.last_packet = now;
    if (it.alarmed) {
      it.alarmed = false;
      return silence_event{silence_event::kind::came_back, silent};
    }
    return std::nullopt;
  }
  if (limit.count() == 0 || !it.carried || it.alarmed || silent <= limit) {
    return std::nullopt;
  }
  it.alarmed = true;
  return silence_event{silence_event::kind::fell_silent, silent};
}

}  // namespace captured::daemon
