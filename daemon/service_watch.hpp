// SPDX-License-Identifier: MIT
//
// Keeps the service manager informed while the recording runs: that we are alive, for as long as
// that is so, and how it goes. Owns the timers; what to say comes from its callbacks.
#pragma once

#include <functional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/service_notify.hpp"

namespace captured::daemon {

/// All on the thread that runs the context.
class service_watch {
 public:
  struct questions {
    /// Calls back, once, with whether reactor and writers make progress or wait for a disk. One
    /// that never calls back is taken for a no.
    std::function<void(std::function<void(bool)>)> is_alive;
    /// Calls back, once, with the line for `systemctl status`.
    std::function<void(std::function<void(std::string)>)> describe;
  };

  /// `notify` must outlive this.
  service_watch(boost::asio::io_context& context, const service_notify& notify, questions ask);

  /// Call when READY is said. Asks is_alive twice in each watchdog time, if the manager wants it,
  /// and describe every few seconds, if there is a manager; a line that is unchanged is not resent.
  void start();
  /// Ends both; a stop has its own time-out.
  void stop();

 private:
  void await_watchdog();
  void await_status();

  const service_notify& notify_;
  questions ask_;
  boost::asio::steady_timer watchdog_;
  boost::asio::steady_timer status_;
  bool asked_alive_ = false;  // and no answer yet
  bool asked_status_ = false;
  std::string said_;
};

}  // namespace captured::daemon
