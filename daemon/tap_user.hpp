// SPDX-License-Identifier: MIT
//
// Whoever wants to see the packets of interfaces while they are recorded: a live view, a stream to
// a collector.
#pragma once

#include <cstdint>

namespace captured::daemon {

struct recorded_interface;

/// All on the reactor's thread.
class tap_user {
 public:
  /// The interface is recorded from now on, for the first time or again; also called for those that
  /// are when the user is added. It may attach to the interface's tap until that is closed.
  virtual void on_recorded(recorded_interface& one) = 0;
  /// `from` is about to end, and `to`, of the same device, is recorded for another output: what has
  /// this time (since 1970, UTC) or a later one is to be taken from there.
  virtual void on_moved(const recorded_interface& from, recorded_interface& to,
                        std::uint64_t time_ns) = 0;
  /// All of its packets were shown; it may be recorded again later.
  virtual void on_closed(const recorded_interface& one) = 0;
  /// The recording stops, and every packet of its rings was shown. Nothing comes after it.
  virtual void on_stopped() = 0;

 protected:
  ~tap_user() = default;
};

}  // namespace captured::daemon
