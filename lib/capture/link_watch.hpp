// SPDX-License-Identifier: MIT
//
// Hears from the kernel about network devices that come, go and change (rtnetlink(7), group
// RTMGRP_LINK), in the network namespace of the thread that opened it. Says what happened, not
// what to do about it.
#pragma once

#include <cstddef>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "capture/link_message.hpp"

namespace captured::capture {

/// What happened since the last `drain`.
struct link_news {
  std::vector<link_event> events = {};  ///< in the order of happening
  /// More happened than the kernel could keep for us, and which is not known: list anew with
  /// `all_devices`, then go on. The events beside it are true but not all there were.
  bool lost = false;
};

/// To know all devices at any time: open the watch first, then list with `all_devices`, then follow
/// the events; some of them tell what the list has already. Needs no right. One thread at a time.
class link_watch {
 public:
  static base::result<link_watch> open();

  /// Readable while there is something to drain, level-triggered: what an event loop waits for.
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

  /// Takes what there is, a bounded amount at a time: when more is left the descriptor stays
  /// readable. Never blocks. Messages that do not come from the kernel are not looked at. Fails
  /// when the socket does; the watch should then be opened anew and the devices listed.
  [[nodiscard]] base::result<link_news> drain();

 private:
  explicit link_watch(base::unique_fd socket);
  enum class reception : std::uint8_t { message, overrun, nothing };
  [[nodiscard]] base::result<reception> receive(std::span<const std::byte>& message);

  base::unique_fd socket_;
  std::vector<std::byte> buffer_;
};

}  // namespace captured::capture
