// SPDX-License-Identifier: MIT
//
// The service manager's end of sd_notify(3), in the test's own process. What is said there is its
// owner's to read.
#pragma once

#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>

#include "base/unique_fd.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

namespace captured::test {

/// While it lives, NOTIFY_SOCKET names it.
class notify_socket {
 public:
  notify_socket() {
    const std::string path = folder_.path() / "notify";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  notify_socket(const notify_socket&) = delete;
  notify_socket& operator=(const notify_socket&) = delete;
  ~notify_socket() { ::unsetenv("NOTIFY_SOCKET"); }

  [[nodiscard]] int get() const noexcept { return socket_.get(); }

 private:
  testing::temporary_folder folder_;
  base::unique_fd socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

}  // namespace captured::test
