// SPDX-License-Identifier: MIT
#include "capture/clock_state.hpp"

#include <sys/timex.h>

namespace captured::capture {

clock_state read_clock_state() noexcept {
  timex answer{};  // modes 0: nothing is changed
  const int state = ::adjtimex(&answer);
  return {.synchronised = state != -1 && state != TIME_ERROR && (answer.status & STA_UNSYNC) == 0,
          .error_max = std::chrono::microseconds(answer.maxerror)};
}

}  // namespace captured::capture
