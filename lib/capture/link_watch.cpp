// SPDX-License-Identifier: MIT
#include "capture/link_watch.hpp"

#include <cerrno>
#include <utility>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace captured::capture {
namespace {

/// One event takes 1 to 2 KiB; one that should be longer counts as lost.
constexpr std::size_t message_bytes_max = 64 * 1024;
/// Events kept for us by the kernel; it grants less than this to whoever is not its administrator
/// (net.core.rmem_max), which costs no more than listing anew now and then.
constexpr int kept_bytes = 4 << 20;
/// Messages taken at once, so that a storm of events does not hold up the caller's other work.
constexpr int messages_in_one_drain_max = 1024;

}  // namespace

link_watch::link_watch(base::unique_fd socket)
    : socket_(std::move(socket)), buffer_(message_bytes_max) {}

base::result<link_watch> link_watch::open() {
  base::unique_fd socket(
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (!socket ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return base::system_failure(errno, "watch network devices");
  }
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kept_bytes, sizeof kept_bytes);
  return link_watch(std::move(socket));
}

base::result<link_watch::reception> link_watch::receive(std::span<const std::byte>& message) {
  for (;;) {
    sockaddr_nl sender{};
    socklen_t sender_bytes = sizeof sender;
    const ssize_t count = ::recvfrom(socket_.get(), buffer_.data(), buffer_.size(), MSG_TRUNC,
                                     reinterpret_cast<sockaddr*>(&sender), &sender_bytes);
    if (count < 0) {
      switch (errno) {
        case EINTR:
          continue;
        case EAGAIN:
          return reception::nothing;
        case ENOBUFS:
          return reception::overrun;
        default:
          return base::system_failure(errno, "hear about network devices");
      }
    }
    const bool from_kernel =
        sender_bytes == sizeof sender && sender.nl_family == AF_NETLINK && sender.nl_pid == 0;
    message = std::span(buffer_).first(0);
    if (from_kernel) {
      if (static_cast<std::size_t>(count) > buffer_.size()) {
        return reception::overrun;
      }
      message = std::span(buffer_).first(static_cast<std::size_t>(count));
    }
    return reception::message;
  }
}

base::result<link_news> link_watch::drain() {
  link_news news;
  for (int i = 0; i < messages_in_one_drain_max; ++i) {
    std::span<const std::byte> message;
    auto received = receive(message);
    if (!received) {
      return received.error();
    }
    if (*received == reception::nothing) {
      break;
    }
    // What cannot be read is as good as lost: the devices as they are now can still be listed.
    if (*received == reception::overrun || !parse_link_events(message, news.events)) {
      news.lost = true;
    }
  }
  return news;
}

}  // namespace captured::capture
