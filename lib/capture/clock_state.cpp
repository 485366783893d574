// SPDX-License-Identifier: MIT
#include "capture/clock_state.hpp"

#include <sys/timex.h>

namespace captured::capture {

std::optional<clock_state> read_clock_state() noexcept {
  timex answer{};  // modes 0: nothing is changed
  const int state = ::adjtimex(&answer);
  if (state == -1) {
    return std::nullopt;
  }
  return clock_state{.synchronised = state != TIME_ERROR && (answer.status & STA_UNSYNC) == 0,
                     .error_max = std::chrono::microseconds(answer.maxerror)};
}

}  // namespace captured::capture
