// SPDX-License-Identifier: MIT
#include "pipeline/capture_reactor.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/check.hpp"
#include "pipeline/limits.hpp"

namespace captured::pipeline {

namespace {

/// Clears the errors of all sockets; the first one.
base::error_code take_errors(const capture::ring_group& of) {
  base::error_code first;
  for (const auto& each : of.rings()) {
    if (const auto error = capture::take_error(each->fd()); error && !first) {
      first = error;
    }
  }
  return first;
}

}  // namespace

capture_reactor::capture_reactor(const boost::asio::any_io_executor& executor,
                                 capture::poll_set rings)
    : executor_(executor),
      poll_set_(std::move(rings)),
      watched_(executor),
      belt_(executor),
      pause_(executor) {}

capture_reactor::~capture_reactor() {
  if (watched_.is_open()) {
    watched_.release();  // the descriptor belongs to poll_set_
  }
}

base::result<capture_reactor::ring_id> capture_reactor::add(reactor_ring ring) {
  const ring_id id = next_id_++;
  for (const auto& each : ring.ring->rings()) {
    if (const auto added = poll_set_.add(each->fd(), id); !added) {
      forget_sockets(*ring.ring);
      return added.error();
    }
  }
  auto one = std::make_unique<watched_ring>();
  one->id = id;
  one->of = std::move(ring);
  capture::block_source& source = one->of.feed->source();
  // One of several rings may get all that comes.
  paces_.push_back(pace_of(source.block_count() / source.queue_count(), source.memory(0).size(),
                           one->of.speed_bits));
  rings_.push_back(std::move(one));
  return id;
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

capture_reactor::watched_ring* capture_reactor::find(ring_id id) noexcept {
  const auto at =
      std::find_if(rings_.begin(), rings_.end(), [id](const auto& one) { return one->id == id; });
  return at == rings_.end() ? nullptr : at->get();
}

void capture_reactor::forget_sockets(const capture::ring_group& of) {
  for (const auto& each : of.rings()) {
    // A socket that cannot be taken out goes by itself when it is closed.
    (void)poll_set_.remove(each->fd());
  }
}

void capture_reactor::watch() {
  watched_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [this](boost::system::error_code error) {
                        if (!error && !stopped_) {
                          on_event();
                        }
                      });
}

void capture_reactor::on_event() {
  // Emptied before the rings are looked at: what happens from here on makes the descriptor
  // readable again.
  for (const capture::poll_event& event : poll_set_.drain()) {
    const watched_ring* const one = event.error ? find(event.id) : nullptr;
    if (one != nullptr) {
      one->of.trouble(take_errors(*one->of.ring));
    }
  }
  if (!pausing_) {
    look();
  }
  watch();
}

/// After that many nanoseconds, whatever happens until then.
void capture_reactor::look_after(std::chrono::nanoseconds pause) {
  pause_.expires_after(pause);
  pause_.async_wait([this](boost::system::error_code error) {
    if (!error && !stopped_) {
      look();
    }
  });
}

void capture_reactor::look() {
  const bool found = scan();
  const auto pause = found || pausing_
                         ? pause_of(paces_, std::chrono::steady_clock::now(), pausing_)
                         : std::chrono::nanoseconds(0);
  pausing_ = pause > std::chrono::nanoseconds(0);
  poll_set_.set_quiet(pausing_);  // or each block would wake us all the same
  if (pausing_) {
    look_after(pause);
  } else {
    keep_belt();
  }
}

/// Was there a block?
bool capture_reactor::scan() {
  const auto now = std::chrono::steady_clock::now();
  bool found_any = false;
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    const std::uint32_t found = rings_[i]->of.feed->offer_finished_blocks();
    paces_[i].on_scan(found, now);
    if (found > 0) {
      found_any = true;
      rings_[i]->of.wake();
    }
  }
  found_since_belt_ = found_since_belt_ || found_any;
  return found_any;
}

/// A second look some time after the last block, should an edge ever be missed. On a silent link
/// nothing is armed.
void capture_reactor::keep_belt() {
  if (belt_armed_ || !found_since_belt_) {
    return;
  }
  belt_armed_ = true;
  found_since_belt_ = false;
  std::chrono::milliseconds longest_timeout{0};
  for (const auto& one : rings_) {
    longest_timeout = std::max(longest_timeout, one->of.ring->timeout());
  }
  belt_.expires_after(2 * longest_timeout);
  belt_.async_wait([this](boost::system::error_code error) {
    belt_armed_ = false;
    if (!error && !stopped_) {
      scan();
      keep_belt();
    }
  });
}

void capture_reactor::async_remove(ring_id id, std::function<void(const base::result<>&)> done) {
  watched_ring* const one = find(id);
  CAPTURED_CHECK(one != nullptr && !one->drain);
  begin_removal(*one, false, std::move(done));
}

void capture_reactor::begin_removal(watched_ring& one, bool leave,
                                    std::function<void(const base::result<>&)> done) {
  one.removed = std::move(done);
  one.is_left = leave;
  if (!leave) {
    one.rejected = one.of.ring->reject_all();
  }
  one.drain.emplace(executor_);
  one.drain->expires_after(limits::drain_time(one.of.ring->timeout()));
  one.drain->async_wait([this, id = one.id](boost::system::error_code) { finish_removal(id); });
}

void capture_reactor::finish_removal(ring_id id) {
  const auto at =
      std::find_if(rings_.begin(), rings_.end(), [id](const auto& one) { return one->id == id; });
  const std::unique_ptr<watched_ring> one = std::move(*at);
  paces_.erase(paces_.begin() + (at - rings_.begin()));
  rings_.erase(at);
  forget_sockets(*one->of.ring);
  one->of.feed->offer_finished_blocks();
  one->is_left ? one->of.feed->hand_over() : one->of.feed->close();
  one->of.wake();
  if (!one->rejected) {
    stop_outcome_ = one->rejected;
  }
  one->removed(one->rejected);
  if (stop_done_ && rings_.empty()) {
    finish_stop();
  }
}

void capture_reactor::async_stop(bool leave, std::function<void(const base::result<>&)> done) {
  stop_done_ = std::move(done);
  if (rings_.empty()) {
    return boost::asio::post(executor_, [this] { finish_stop(); });
  }
  for (const auto& one : rings_) {
    if (!one->drain) {
      begin_removal(*one, leave && one->of.is_kept, [](const base::result<>&) {});
    }
  }
}

void capture_reactor::finish_stop() {
  stopped_ = true;
  boost::system::error_code ignored;
  watched_.cancel(ignored);
  belt_.cancel();
  pause_.cancel();
  std::exchange(stop_done_, nullptr)(stop_outcome_);
}

}  // namespace captured::pipeline
