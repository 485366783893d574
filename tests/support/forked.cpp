// SPDX-License-Identifier: MIT
#include "support/forked.hpp"

#include <array>
#include <cstdlib>

#include <sys/wait.h>
#include <unistd.h>

namespace captured::testing {

std::string in_child(const std::function<std::string()>& part) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) {
    return "no pipe";
  }
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string told = part();
    const auto written = ::write(ends[1], told.data(), told.size());
    std::_Exit(written == static_cast<ssize_t>(told.size()) ? 0 : 1);  // no leak check, no atexit
  }
  ::close(ends[1]);
  std::string told;
  std::array<char, 4096> piece{};
  for (ssize_t count = 0; (count = ::read(ends[0], piece.data(), piece.size())) > 0;) {
    told.append(piece.data(), static_cast<std::size_t>(count));
  }
  ::close(ends[0]);
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) {
    return told + " (no child)";
  }
  if (WIFSIGNALED(status)) {
    return told + " (ended by signal " + std::to_string(WTERMSIG(status)) + ")";
  }
  return WEXITSTATUS(status) == 0 ? told
                                  : told + " (exit " + std::to_string(WEXITSTATUS(status)) + ")";
}

}  // namespace captured::testing
