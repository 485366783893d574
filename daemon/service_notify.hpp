// SPDX-License-Identifier: MIT
//
// What the service manager is told. Without one every call does nothing. When to say what is
// decided by service_watch and application; log lines are journal's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace captured::daemon {

/// Messages to the service manager, sd_notify(3). Any thread may call; no call blocks for long, and
/// a message that cannot be delivered is lost, as the protocol has it.
class service_notify {
 public:
  /// Reads the environment variables of the protocol.
  service_notify();

  /// Does anybody listen?
  [[nodiscard]] bool has_manager() const noexcept { return has_manager_; }
  /// How often the manager wants to hear that we are alive; nothing when it does not ask.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog() const noexcept {
    return watchdog_;
  }

  /// Start or reload is done.
  void ready() const { say("READY=1"); }
  /// A reload has begun; `ready` ends it, whatever came out.
  void reloading() const;
  void stopping() const { say("STOPPING=1"); }
  void alive() const { say("WATCHDOG=1"); }
  /// One line for `systemctl status`; control characters become blanks.
  void status(std::string text) const;
  /// How many descriptors does it keep for the next life of the service? systemd says so since 254
  /// by FDSTORE; what the unit says by CAPTURED_FDSTORE is believed where the manager is older.
  [[nodiscard]] std::uint64_t descriptors_max() const noexcept { return descriptors_max_; }
  [[nodiscard]] bool keeps_descriptors() const noexcept { return descriptors_max_ > 0; }
  /// What the manager and the unit say of it differently; empty when they agree, or when it is not
  /// known.
  [[nodiscard]] const std::string& contradiction() const noexcept { return contradiction_; }
  /// Keeps copies of these under a name (FDSTORE=1, FDNAME=), whatever happens on them, until
  /// `forget` or the service is stopped. All or none, as far as the store has room. Fails when the
  /// manager cannot be told.
  base::result<> keep(const std::string& name, std::span<const int> descriptors) const;
  void forget(const std::string& name) const;
  /// Until it has heard all that was said before, or so much time has passed.
  void wait_until_heard(std::chrono::microseconds longest) const;
  struct kept_descriptor {
    std::string name;
    base::unique_fd fd;
  };
  /// What the manager has kept and passed on to this life; to be called once.
  [[nodiscard]] std::vector<kept_descriptor> take_kept();

  /// A start or stop may take so long from now, should the unit's time-out be shorter.
  void extend_timeout(std::chrono::microseconds by) const;

 private:
  void say(const std::string& state) const;

  bool has_manager_;
  std::uint64_t descriptors_max_ = 0;
  std::string contradiction_;
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace captured::daemon
