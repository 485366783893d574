// SPDX-License-Identifier: MIT
//
// capturectl's end of a request whose answer is a stream: pieces of octets, then a last line.
// Blocks; a signal can end it from outside.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include <boost/json/object.hpp>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "daemon/control_protocol.hpp"

namespace captured::daemon {

class control_stream {
 public:
  /// Asks. Fails as ask_daemon does.
  static base::result<control_stream> open(const std::string& socket,
                                           const boost::json::object& request,
                                           std::chrono::seconds time);

  /// Gives the stream's octets to `take`, until that fails or the daemon has said its last line,
  /// which is the value. A request that was refused is one, too. Fails when the daemon hangs up
  /// without one.
  base::result<control_answer> run(
      const std::function<base::result<>(std::span<const std::byte>)>& take);
  /// Asks the daemon for its last line. May be called by a signal handler, with `fd`.
  static void end(int fd) noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  control_stream(base::unique_fd fd, std::string name)
      : fd_(std::move(fd)), name_(std::move(name)) {}
  [[nodiscard]] base::result<std::string> read_line();
  [[nodiscard]] base::result<> fill();

  base::unique_fd fd_;
  std::string name_;
  std::string received_;
};

}  // namespace captured::daemon
