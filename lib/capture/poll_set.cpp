// SPDX-License-Identifier: MIT
#include "capture/poll_set.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "base/check.hpp"

namespace captured::capture {

base::result<poll_set> poll_set::create() {
  base::unique_fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) {
    return base::system_failure(errno, "create poll set");
  }
  return poll_set(std::move(epoll));
}

namespace {

epoll_event wanted_of(std::uint64_t id, bool quiet) noexcept {
  epoll_event wanted{};
  wanted.events = (quiet ? 0u : std::uint32_t{EPOLLIN}) | EPOLLET;  // errors come unasked
  wanted.data.u64 = id;
  return wanted;
}

}  // namespace

base::result<> poll_set::add(int fd, std::uint64_t id) {
  epoll_event wanted = wanted_of(id, quiet_);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &wanted) != 0) {
    return base::system_failure(errno, "watch descriptor " + std::to_string(fd));
  }
  watched_.push_back({fd, id});
  raw_.emplace_back();
  drained_.emplace_back();
  return {};
}

base::result<> poll_set::remove(int fd) {
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr) != 0) {
    return base::system_failure(errno, "stop watching descriptor " + std::to_string(fd));
  }
  std::erase_if(watched_, [fd](const watched& one) { return one.fd == fd; });
  raw_.pop_back();
  drained_.pop_back();
  return {};
}

void poll_set::set_quiet(bool quiet) noexcept {
  if (quiet == quiet_) {
    return;
  }
  quiet_ = quiet;
  for (const watched& one : watched_) {
    epoll_event wanted = wanted_of(one.id, quiet);
    const int changed = ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, one.fd, &wanted);
    // It needs no memory and cannot fail for a descriptor that is watched. One that stayed quiet
    // would be looked at once more, and never again.
    CAPTURED_CHECK(quiet || changed == 0);
  }
}

std::span<const poll_event> poll_set::drain() noexcept {
  if (raw_.empty()) {
    return {};
  }
  const int count = ::epoll_wait(epoll_.get(), raw_.data(), static_cast<int>(raw_.size()), 0);
  const auto events = std::span(raw_).first(static_cast<std::size_t>(std::max(count, 0)));
  std::transform(events.begin(), events.end(), drained_.begin(), [](const epoll_event& event) {
    return poll_event{.id = event.data.u64, .error = (event.events & EPOLLERR) != 0};
  });
  return std::span(drained_).first(events.size());
}

base::error_code take_error(int socket) noexcept {
  int value = 0;
  socklen_t length = sizeof value;
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &value, &length) != 0) {
    value = errno;
  }
  return {value, boost::system::system_category()};
}

}  // namespace captured::capture
