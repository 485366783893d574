// SPDX-License-Identifier: MIT
#include "daemon/log_queue.hpp"

#include <utility>

namespace captured::daemon {

log_queue::~log_queue() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void log_queue::start() {
  const std::lock_guard lock(mutex_);
  started_ = true;
  thread_ = std::thread([this] { run(); });
}

void log_queue::push(log_record record) {
  {
    const std::lock_guard lock(mutex_);
    if (!started_) {
      output_.write(record);
      return;
    }
    if (lines_.size() == capacity_) {
      lines_.pop_front();
      ++dropped_;
    }
    lines_.push_back(std::move(record));
  }
  wake_.notify_one();
}

void log_queue::show_status(std::string text) {
  {
    const std::lock_guard lock(mutex_);
    if (!started_) {
      output_.show_status(text);
      return;
    }
    status_ = std::move(text);
  }
  wake_.notify_one();
}

bool log_queue::drain(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, at_most, [this] { return is_idle(); });
}

bool log_queue::finish(std::chrono::milliseconds at_most) {
  if (!drain(at_most)) {
    return false;
  }
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
  const std::lock_guard lock(mutex_);
  started_ = false;  // who still logs writes for himself again
  return true;
}

void log_queue::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return ending_ || !lines_.empty() || status_; });
    if (lines_.empty() && !status_) {
      return;
    }
    write_next(lock);
    if (is_idle()) {
      idle_.notify_all();
    }
  }
}

/// Writes the oldest line, or the status line when there is none; the lock is open meanwhile.
void log_queue::write_next(std::unique_lock<std::mutex>& lock) {
  const auto dropped = std::exchange(dropped_, 0);
  std::optional<log_record> line;
  std::optional<std::string> status;
  if (lines_.empty()) {
    status = std::exchange(status_, std::nullopt);
  } else {
    line = std::move(lines_.front());
    lines_.pop_front();
  }
  writing_ = true;
  lock.unlock();
  if (dropped != 0 && line) {
    output_.write({line->time,
                   log_level::warning,
                   {{"dropped", std::to_string(dropped)}},
                   std::to_string(dropped) +
                       " older lines of the log were dropped: whoever reads " + "it is too slow"});
  }
  if (line) {
    output_.write(*line);
  } else {
    output_.show_status(*status);
  }
  lock.lock();
  writing_ = false;
}

}  // namespace captured::daemon
