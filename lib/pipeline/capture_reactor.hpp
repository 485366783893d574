// SPDX-License-Identifier: MIT
//
// Takes the finished blocks of its rings and queues them for the writers: woken once for each
// burst, no work for each packet. Also stops rings exactly. Decides nothing about files.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/error.hpp"
#include "base/time.hpp"
#include "capture/packet_ring.hpp"
#include "capture/poll_set.hpp"
#include "pipeline/ring_feed.hpp"

namespace captured::pipeline {

/// A ring in the reactor's care. All pointees must outlive the reactor.
struct reactor_ring {
  std::string name;  ///< of the interface, for messages
  capture::packet_ring* ring = nullptr;
  ring_feed* feed = nullptr;
  std::function<void()> wake;  ///< tells the writer that blocks are queued
};

/// All members on the thread that runs the executor, unless said otherwise.
class capture_reactor {
 public:
  /// `trouble` gets what the sockets report, such as a link that went down.
  capture_reactor(const boost::asio::any_io_executor& executor, capture::poll_set rings,
                  std::function<void(const base::failure&)> trouble);
  ~capture_reactor();
  capture_reactor(const capture_reactor&) = delete;
  capture_reactor& operator=(const capture_reactor&) = delete;

  /// Before or after `start`. The ring must be bound already.
  base::result<> add(reactor_ring ring);
  /// Begins to watch.
  base::result<> start();

  /// The exact stop: every ring rejects all packets from now on, is emptied after three of its
  /// timeouts, when the kernel has retired its last block, and its feed is closed. Then `done`.
  void async_stop(std::function<void()> done);

 private:
  void watch();
  void scan();
  void keep_belt();
  void close_feeds();

  capture::poll_set poll_set_;
  boost::asio::posix::stream_descriptor watched_;
  boost::asio::steady_timer belt_;
  boost::asio::steady_timer stop_timer_;
  std::function<void(const base::failure&)> trouble_;
  std::vector<reactor_ring> rings_;
  std::chrono::milliseconds longest_timeout_{0};
  bool belt_armed_ = false;
  bool found_since_belt_ = false;
  bool stopped_ = false;  ///< the feeds are closed: handlers that were queued do nothing
};

}  // namespace captured::pipeline
