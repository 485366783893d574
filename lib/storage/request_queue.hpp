// SPDX-License-Identifier: MIT
//
// A bounded queue of file requests between the asker and one thread that carries them out. It
// locks and waits, which is fine for requests that move a MiB each; not for packets or blocks.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>

#include "base/check.hpp"
#include "storage/file_operations.hpp"

namespace captured::storage {

/// All functions may be called from any thread. Holds no memory but its own.
class request_queue {
 public:
  /// Adds a request; never waits. More than requests_in_flight_max is a mistake of the asker.
  void push(file_request request) {
    {
      const std::lock_guard lock(mutex_);
      CAPTURED_CHECK(count_ < requests_.size());
      requests_[(first_ + count_) % requests_.size()] = std::move(request);
      ++count_;
    }
    changed_.notify_one();
  }

  /// Waits for the next request; nothing after `close`, even if requests are left.
  std::optional<file_request> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || count_ > 0; });
    if (closed_) {
      return std::nullopt;
    }
    std::optional<file_request> next = std::move(requests_[first_]);
    first_ = (first_ + 1) % requests_.size();
    --count_;
    return next;
  }

  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<file_request, requests_in_flight_max> requests_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  bool closed_ = false;
};

}  // namespace captured::storage
