// SPDX-License-Identifier: MIT
//
// Whether the system's clock, from which packets get their stamps, is kept right by somebody
// (adjtimex(2)). Asks only; needs no right.
#pragma once

#include <chrono>
#include <optional>

namespace captured::capture {

struct clock_state {
  bool synchronised = false;  ///< a daemon such as chrony or ptp4l says so to the kernel
  /// How wrong the clock may be according to that daemon; grows when nobody looks after it.
  std::chrono::microseconds error_max{0};
};

/// Nothing where the kernel does not say, as in a service that may not look at clocks.
[[nodiscard]] std::optional<clock_state> read_clock_state() noexcept;

}  // namespace captured::capture
