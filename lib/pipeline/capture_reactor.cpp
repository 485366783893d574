// SPDX-License-Identifier: MIT
#include "pipeline/capture_reactor.hpp"

#include <algorithm>
#include <utility>

#include "pipeline/limits.hpp"

namespace captured::pipeline {

namespace {

/// A block is retired by the kernel's timer, which runs freely: one timeout until it fires, one
/// for a block that was opened meanwhile, one to be sure.
constexpr int timeouts_until_retired = 3;

}  // namespace

capture_reactor::capture_reactor(const boost::asio::any_io_executor& executor,
                                 capture::poll_set rings,
                                 std::function<void(const base::failure&)> trouble)
    : poll_set_(std::move(rings)),
      watched_(executor),
      belt_(executor),
      stop_timer_(executor),
      trouble_(std::move(trouble)) {}

capture_reactor::~capture_reactor() {
  if (watched_.is_open()) {
    watched_.release();  // the descriptor belongs to poll_set_
  }
}

base::result<> capture_reactor::add(reactor_ring ring) {
  if (const auto added = poll_set_.add(ring.ring->fd(), rings_.size()); !added) {
    return added.error();
  }
  longest_timeout_ = std::max(longest_timeout_, ring.ring->timeout());
  rings_.push_back(std::move(ring));
  return {};
}

base::result<> capture_reactor::start() {
  boost::system::error_code error;
  watched_.assign(poll_set_.fd(), error);
  if (error) {
    return base::failure{error, "watch the packet sockets", {}};
  }
  watch();
  return {};
}

void capture_reactor::watch() {
  watched_.async_wait(
      boost::asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
        if (error || stopped_) {
          return;
        }
        // Emptied before the rings are looked at: what happens from here on
        // makes the descriptor readable again.
        for (const capture::poll_event& event : poll_set_.drain()) {
          const reactor_ring& ring = rings_[event.id];
          if (event.error) {
            trouble_(base::failure{
                capture::take_error(ring.ring->fd()), "receive from " + ring.name, {}});
          }
        }
        scan();
        keep_belt();
        watch();
      });
}

void capture_reactor::scan() {
  for (reactor_ring& one : rings_) {
    if (one.feed->offer_finished_blocks() > 0) {
      found_since_belt_ = true;
      one.wake();
    }
  }
}

/// A second look some time after the last block, should an edge ever be missed. On a silent link
/// nothing is armed.
void capture_reactor::keep_belt() {
  if (belt_armed_ || !found_since_belt_) {
    return;
  }
  belt_armed_ = true;
  found_since_belt_ = false;
  belt_.expires_after(2 * longest_timeout_);
  belt_.async_wait([this](boost::system::error_code error) {
    belt_armed_ = false;
    if (!error && !stopped_) {
      scan();
      keep_belt();
    }
  });
}

void capture_reactor::async_stop(std::function<void()> done) {
  for (reactor_ring& one : rings_) {
    if (const auto stopped = one.ring->reject_all(); !stopped) {
      trouble_(stopped.error());
    }
  }
  stop_timer_.expires_after(std::max<std::chrono::milliseconds>(
      timeouts_until_retired * longest_timeout_, limits::shortest_drain));
  stop_timer_.async_wait([this, done = std::move(done)](boost::system::error_code) {
    close_feeds();
    done();
  });
}

void capture_reactor::close_feeds() {
  stopped_ = true;
  boost::system::error_code ignored;
  watched_.cancel(ignored);
  belt_.cancel();
  scan();
  for (reactor_ring& one : rings_) {
    one.feed->close();
    one.wake();
  }
}

}  // namespace captured::pipeline
