// SPDX-License-Identifier: MIT
//
// Which calls to the kernel the process can still make: those of a recorder that runs (seccomp(2)).
// What it takes to become one, such as giving up rights, is not among them. Not for files, which
// file_confinement.hpp confines, and not for io_uring's operations, which a ring restricts itself:
// a program that was taken over could set up another ring, send on a packet socket that is open,
// and execute what it wrote into a file.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"

namespace captured::daemon {

/// What not every recording needs.
struct call_needs {
  bool tcp = false;            ///< connections to other hosts
  bool packet_sockets = true;  ///< new ones; those that there are can be used all the same
};

/// From here on every call outside the list fails with EPERM, in all threads that there are and
/// will be; the kernel logs it where it keeps an audit log. The process goes on: a recorder should
/// record. There is no way back. Needs no rights; forbids new privileges (PR_SET_NO_NEW_PRIVS).
/// Gives the reason why nothing is filtered where the kernel cannot; fails when it refuses.
[[nodiscard]] base::result<std::optional<std::string>> filter_system_calls(const call_needs& needs);

}  // namespace captured::daemon
