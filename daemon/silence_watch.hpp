// SPDX-License-Identifier: MIT
//
// Decides when an interface that used to carry packets has fallen silent for too long, and when it
// is back. Knows no clock, no socket and no log: it is fed totals now and then, and the alarm comes
// with the first total after the time is over.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace captured::daemon {

struct silence_event {
  enum class kind : std::uint8_t { fell_silent, came_back };
  kind what = kind::fell_silent;
  std::chrono::steady_clock::duration silent{0};  ///< how long up to now, or until it came back

  /// "no packet for 5 min; it used to carry some", "it carries packets again, after 12 min of …".
  [[nodiscard]] std::string text() const;
};

class silence_watch {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// `total` is how many packets the interface carried so far; a smaller one than before means that
  /// it was made anew. `limit` is the longest silence that is no alarm, 0 for none; it may change
  /// from call to call. Says so once when the limit is over, and once when packets come again.
  [[nodiscard]] std::optional<silence_event> feed(const std::string& interface, std::uint64_t total,
                                                  std::chrono::steady_clock::duration limit,
                                                  time_point now);
  /// The interface is no longer recorded.
  void forget(const std::string& interface) { watched_.erase(interface); }

 private:
  struct state {
    std::uint64_t total = 0;
    time_point last_packet;
    bool carried = false;  // ever
    bool alarmed = false;
  };
  std::map<std::string, state> watched_;
};

}  // namespace captured::daemon
