// SPDX-License-Identifier: MIT
//
// The two clocks of the program. Pure parts get a moment as an argument and never read a clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace captured::base {

/// UTC with nanoseconds: stamps, names, wall-clock rotation. May step.
using wall_time = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;
/// Never steps: intervals, time-outs.
using steady_time = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// One reading of both clocks, taken together by a shell and passed into a decision.
struct moment {
  wall_time wall;
  steady_time steady;
};

/// Nanoseconds since 1970-01-01 UTC, as the files hold them; moments before 1970 become 0.
[[nodiscard]] constexpr std::uint64_t to_epoch_ns(wall_time when) noexcept {
  const auto count = when.time_since_epoch().count();
  return count < 0 ? 0 : static_cast<std::uint64_t>(count);
}

[[nodiscard]] constexpr wall_time from_epoch_ns(std::uint64_t nanoseconds) noexcept {
  return wall_time(std::chrono::nanoseconds(nanoseconds));
}

}  // namespace captured::base
