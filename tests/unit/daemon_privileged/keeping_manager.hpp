// SPDX-License-Identifier: MIT
//
// A service manager in the test's own process, as far as it keeps descriptors: what it is given it
// passes on to whoever the test says.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/unique_fd.hpp"
#include "capture/ring_journal.hpp"
#include "daemon/kept_rings.hpp"
#include "daemon/service_notify.hpp"
#include "support/catch.hpp"
#include "support/notify_socket.hpp"

namespace captured::test {

/// Longer than any of this takes, however busy the machine is.
inline constexpr std::chrono::seconds patience{30};

/// Keeps what it is given, as a service manager does.
class keeping_manager {
 public:
  /// Says that it keeps so many descriptors, but does not count them.
  explicit keeping_manager(const char* most = "64") {
    ::setenv("FDSTORE", most, 1);
    thread_ = std::thread([this] {
      while (hear()) {
      }
    });
  }
  ~keeping_manager() {
    ::shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
    ::unsetenv("FDSTORE");
  }

  /// Descriptors under a name, once all that was said before is heard.
  std::size_t count(const daemon::service_notify& notify, const std::string& name) {
    notify.wait_until_heard(patience);
    const std::lock_guard lock(mutex_);
    return kept_[name].size();
  }
  /// What another process would be handed.
  daemon::left_rings pass_on(const daemon::service_notify& notify, const std::string& name) {
    REQUIRE(count(notify, name) == 2);
    const std::lock_guard lock(mutex_);
    const auto& both = kept_[name];
    daemon::left_rings left;
    left.rings.push_back({copy(both[0]), capture::ring_journal::take_over(copy(both[1])).value()});
    return left;
  }
  [[nodiscard]] std::uint32_t forgotten() const {
    const std::lock_guard lock(mutex_);
    return forgotten_;
  }

 private:
  static base::unique_fd copy(const base::unique_fd& of) {
    return base::unique_fd(::fcntl(of.get(), F_DUPFD_CLOEXEC, 0));
  }

  bool hear() {
    std::array<char, 4096> text{};
    std::array<char, 256> aside{};
    iovec room{.iov_base = text.data(), .iov_len = text.size()};
    msghdr message{};
    message.msg_iov = &room;
    message.msg_iovlen = 1;
    message.msg_control = aside.data();
    message.msg_controllen = aside.size();
    const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    if (got <= 0) {
      return false;
    }
    std::vector<base::unique_fd> descriptors;
    for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
      for (std::size_t i = 0;
           at->cmsg_type == SCM_RIGHTS && CMSG_LEN((i + 1) * sizeof(int)) <= at->cmsg_len; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(at) + i * sizeof fd, sizeof fd);
        descriptors.emplace_back(fd);
      }
    }
    take(std::string(text.data(), static_cast<std::size_t>(got)), std::move(descriptors));
    return true;
  }

  void take(const std::string& said, std::vector<base::unique_fd> descriptors) {
    const auto at = said.find("FDNAME=");
    const std::string name =
        at == std::string::npos ? "" : said.substr(at + std::strlen("FDNAME="));
    const std::lock_guard lock(mutex_);
    if (said.starts_with("FDSTORE=1")) {
      for (base::unique_fd& one : descriptors) {
        if (!has(kept_[name], one)) {
          kept_[name].push_back(std::move(one));
        }
      }
    } else if (said.starts_with("FDSTOREREMOVE=1")) {
      kept_.erase(name);
      ++forgotten_;
    }
  }

  static bool has(const std::vector<base::unique_fd>& all, const base::unique_fd& one) {
    struct stat its {};
    ::fstat(one.get(), &its);
    return std::ranges::any_of(all, [&its](const base::unique_fd& other) {
      struct stat about {};
      ::fstat(other.get(), &about);
      return about.st_dev == its.st_dev && about.st_ino == its.st_ino;
    });
  }

  notify_socket socket_;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<base::unique_fd>> kept_;
  std::uint32_t forgotten_ = 0;
  std::thread thread_;
};

}  // namespace captured::test
