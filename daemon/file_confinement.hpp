// SPDX-License-Identifier: MIT
//
// Where in the file system the process can still read and write, by the kernel's Landlock
// (landlock(7)). It comes on top of owners and modes: whoever may write somewhere by those may
// not by this. Does not hold for files that are open already, nor for asking about files (stat),
// nor for their modes, owners and times, which system_call_filter.hpp bounds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace captured::daemon {

/// Paths, absolute or not; a folder stands for all that lies beneath it. Those that do not exist
/// are left out: nothing is given to what is made under that name later.
struct file_rules {
  std::vector<std::string> read;     ///< files, and lists of folders
  std::vector<std::string> record;   ///< folders: read, make, write, rename and remove files
  std::vector<std::string> sockets;  ///< folders: make and remove sockets
  bool tcp = false;                  ///< connections to other hosts; nobody can be served by TCP
};

/// From here on this thread and the threads that it starts can open nothing else, can execute
/// nothing, make no devices or links, and send no signals to other programs. To be called before
/// there are other threads. There is no way back. Forbids new privileges (PR_SET_NO_NEW_PRIVS).
/// Gives the reason why files are not confined where the kernel cannot; fails when it refuses.
[[nodiscard]] base::result<std::optional<std::string>> confine_files(const file_rules& rules);

}  // namespace captured::daemon
