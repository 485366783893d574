// SPDX-License-Identifier: MIT
//
// Whoever wants to see the packets of interfaces while they are recorded: a live view, a stream to
// a collector.
#pragma once

namespace captured::daemon {

struct recorded_interface;

/// All on the reactor's thread.
class tap_user {
 public:
  /// The interface is recorded from now on, for the first time or again; also called for those that
  /// are when the user is added. It may attach to the interface's tap, which stays to the end.
  virtual void on_recorded(recorded_interface& one) = 0;
  /// The recording stops, and every packet of its rings was shown. Nothing comes after it.
  virtual void on_stopped() = 0;

 protected:
  ~tap_user() = default;
};

}  // namespace captured::daemon
