// SPDX-License-Identifier: MIT
//
// What the thread of an output's folder sleeps in between two looks at it: until a time, until it
// is woken, or until something is mounted or unmounted on the machine, so that a disk that goes or
// comes is noticed at once. Not for what it looks at.
#pragma once

#include <chrono>

#include "base/unique_fd.hpp"

namespace captured::daemon {

class place_sleep {
 public:
  /// Where the system gives no descriptor, or has no /proc, the sleep lasts its whole time.
  place_sleep() noexcept;

  /// Any thread. Ends the sleep under way, or the next one.
  void wake() noexcept;
  /// One thread at a time. True when it was ended before its time.
  bool sleep(std::chrono::milliseconds time) noexcept;

 private:
  base::unique_fd woken_;
  base::unique_fd mounts_;
  bool was_mounts_ = false;  ///< that ended the last sleep
};

}  // namespace captured::daemon
