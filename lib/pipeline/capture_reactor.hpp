// SPDX-License-Identifier: MIT
//
// Takes the finished blocks of its rings and queues them for the writers: woken once for each
// burst, or on fast links at a pace that fetches several blocks at a time, no work for each packet.
// Also stops rings exactly. Decides nothing about files.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/error.hpp"
#include "base/time.hpp"
#include "capture/poll_set.hpp"
#include "capture/ring_group.hpp"
#include "pipeline/ring_feed.hpp"
#include "pipeline/scan_pace.hpp"

namespace captured::pipeline {

/// The rings of one device in the reactor's care. They and the feed must live until it is removed.
struct reactor_ring {
  capture::ring_group* ring = nullptr;
  ring_feed* feed = nullptr;
  std::uint64_t speed_bits = 0;  ///< per second, of its link; 0 when not known
  bool is_kept = false;          ///< outlives the process: may be left receiving
  std::function<void()> wake;    ///< tells the writer that blocks are queued
  /// What the socket reports, such as ENETDOWN when the link went down.
  std::function<void(const base::error_code&)> trouble;
};

/// All members on the thread that runs the executor.
class capture_reactor {
 public:
  using ring_id = std::uint64_t;

  capture_reactor(const boost::asio::any_io_executor& executor, capture::poll_set rings);
  ~capture_reactor();
  capture_reactor(const capture_reactor&) = delete;
  capture_reactor& operator=(const capture_reactor&) = delete;

  /// Begins to watch what is there and comes.
  base::result<> start();
  /// Before or after `start`.
  base::result<ring_id> add(reactor_ring ring);

  /// The exact end of one ring: it rejects all packets from now on, is emptied after three of its
  /// timeouts, when the kernel has retired its last block, and its feed is closed. Then `done`,
  /// with the failure that left the ring open to further packets until then, if any.
  void async_remove(ring_id id, std::function<void(const base::result<>&)> done);
  /// The exact end of all rings, also of those that are being removed. Then `done`. With `leave`
  /// those that are kept go on receiving: what came before this call is still offered, and what
  /// comes after the last look waits for another process.
  void async_stop(bool leave, std::function<void(const base::result<>&)> done);

  [[nodiscard]] std::size_t ring_count() const noexcept { return rings_.size(); }
  /// Blocks are looked for now and then, for they come fast; else each is told of.
  [[nodiscard]] bool is_pausing() const noexcept { return pausing_; }

 private:
  struct watched_ring {
    ring_id id = 0;
    reactor_ring of;
    std::optional<boost::asio::steady_timer> drain;  ///< runs while it is being removed
    std::function<void(const base::result<>&)> removed;
    base::result<> rejected;  ///< how the first step of its end went
    bool is_left = false;     ///< it was not told to reject anything
  };

  void watch();
  void on_event();
  void look();
  void look_after(std::chrono::nanoseconds pause);
  bool scan();
  void keep_belt();
  [[nodiscard]] watched_ring* find(ring_id id) noexcept;
  void begin_removal(watched_ring& one, bool leave,
                     std::function<void(const base::result<>&)> done);
  void finish_removal(ring_id id);
  void forget_sockets(const capture::ring_group& of);
  void finish_stop();

  boost::asio::any_io_executor executor_;
  capture::poll_set poll_set_;
  boost::asio::posix::stream_descriptor watched_;
  boost::asio::steady_timer belt_;
  boost::asio::steady_timer pause_;  ///< until the next look at rings that tell of no block
  std::vector<std::unique_ptr<watched_ring>> rings_;
  std::vector<ring_pace> paces_;  ///< of the rings, in their order
  ring_id next_id_ = 0;
  std::function<void(const base::result<>&)> stop_done_;
  base::result<> stop_outcome_;
  bool pausing_ = false;
  bool belt_armed_ = false;
  bool found_since_belt_ = false;
  bool stopped_ = false;  ///< no ring is left and none will come: queued handlers do nothing
};

}  // namespace captured::pipeline
