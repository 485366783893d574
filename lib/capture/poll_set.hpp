// SPDX-License-Identifier: MIT
//
// An edge-triggered set of descriptors behind one descriptor of its own. A packet socket stays
// readable while earlier blocks are held, so that waiting for it level-triggered, as event loops
// do, spins; waiting for the set's descriptor does not.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <sys/epoll.h>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace captured::capture {

/// What happened on a descriptor since the last `drain`.
struct poll_event {
  std::uint64_t id = 0;  ///< as given to `add`
  bool error = false;    ///< `take_error` tells which
};

/// One thread at a time. An edge can be missed when a block retires while another event of its
/// socket is being handled: after each wake look at all rings, which costs one load each, and
/// while blocks are held look again after twice the ring's timeout.
class poll_set {
 public:
  static base::result<poll_set> create();

  /// Watches a descriptor for input and errors; it must be removed before it is closed.
  base::result<> add(int fd, std::uint64_t id);
  base::result<> remove(int fd);
  /// Tells of errors alone, or of input again: then also of what came before and is still there.
  void set_quiet(bool quiet) noexcept;

  /// Readable while there are events to drain: what an event loop waits for.
  [[nodiscard]] int fd() const noexcept { return epoll_.get(); }

  /// Takes all events there are, at most one for each descriptor. The span is valid until the next
  /// call of any member. Never blocks, no allocation.
  [[nodiscard]] std::span<const poll_event> drain() noexcept;

 private:
  explicit poll_set(base::unique_fd epoll) : epoll_(std::move(epoll)) {}

  struct watched {
    int fd;
    std::uint64_t id;
  };

  base::unique_fd epoll_;
  bool quiet_ = false;
  std::vector<watched> watched_;
  std::vector<epoll_event> raw_;     ///< as many as descriptors are watched
  std::vector<poll_event> drained_;  ///< as many again
};

/// Reads and clears the pending error of a socket (SO_ERROR): success, or for instance ENETDOWN
/// when its device went down.
[[nodiscard]] base::error_code take_error(int socket) noexcept;

}  // namespace captured::capture
