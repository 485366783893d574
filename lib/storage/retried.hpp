// SPDX-License-Identifier: MIT
//
// What every user of system_calls does with its answers.
#pragma once

#include <cerrno>

#include "storage/system_calls.hpp"

namespace captured::storage {

/// The call, again for as long as a signal interrupts it.
template <class Call>
call_result retried(const Call& call) {
  call_result done = call();
  while (done.error == EINTR) {
    done = call();
  }
  return done;
}

/// The file system does not have this call.
[[nodiscard]] constexpr bool is_unsupported(int error) noexcept {
  return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL;
}

}  // namespace captured::storage
