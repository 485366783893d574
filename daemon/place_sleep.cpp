// SPDX-License-Identifier: MIT
#include "daemon/place_sleep.hpp"

#include <array>
#include <cstdint>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace captured::daemon {

namespace {

/// Where containers come and go all the time, a look for all that happens in so long is enough.
constexpr std::chrono::milliseconds between_mounts{200};

/// True when it is ready for what was asked before the time is over.
bool wait(std::array<pollfd, 2>& for_what, std::chrono::milliseconds time) noexcept {
  return ::poll(for_what.data(), for_what.size(), static_cast<int>(time.count())) > 0;
}

}  // namespace

place_sleep::place_sleep() noexcept
    : woken_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      mounts_(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)) {}

void place_sleep::wake() noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(::write(woken_.get(), &one, sizeof one));
}

bool place_sleep::sleep(std::chrono::milliseconds time) noexcept {
  // One that is not there (-1) is passed over.
  std::array<pollfd, 2> fds{{{woken_.get(), POLLIN, 0}, {-1, POLLPRI, 0}}};
  bool ended = was_mounts_ && wait(fds, between_mounts);
  was_mounts_ = false;
  if (!ended) {
    fds[1].fd = mounts_.get();
    ended = wait(fds, time);
    was_mounts_ = ended && (fds[1].revents & POLLPRI) != 0;
  }
  std::uint64_t times = 0;
  static_cast<void>(::read(woken_.get(), &times, sizeof times));
  return ended;
}

}  // namespace captured::daemon
