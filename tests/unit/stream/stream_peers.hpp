// SPDX-License-Identifier: MIT
//
// Both ends of a stream in one process, over the loopback interface, for tests of either.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "stream/client.hpp"
#include "stream/server.hpp"
#include "support/catch.hpp"

namespace captured::stream::testing {

using namespace std::chrono_literals;

/// Everything that a server got, by stream in the order of their beginnings.
class collection {
 public:
  struct one {
    std::vector<std::uint64_t> numbers;
    std::vector<std::string> names;  ///< of interfaces, as they were described
    stream_end end;
    bool ended = false;
  };

  receiver_maker maker() {
    return [this](const std::string&) -> base::result<std::unique_ptr<receiver> > {
      const std::lock_guard lock(mutex_);
      streams_.push_back(std::make_unique<one>());
      return std::unique_ptr<receiver>(std::make_unique<taker>(*this, *streams_.back()));
    };
  }

  std::size_t streams() const {
    const std::lock_guard lock(mutex_);
    return streams_.size();
  }
  one copy(std::size_t at) const {
    const std::lock_guard lock(mutex_);
    return *streams_.at(at);
  }
  /// Waits until so many streams have ended.
  bool await_ended(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, [&] { return ended_ >= count; });
  }
  bool await_packets(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, [&] { return packets_ >= count; });
  }

  std::atomic<std::uint64_t> fails_at = ~std::uint64_t{0};

 private:
  class taker final : public receiver {
   public:
    taker(collection& of, one& into) : of_(of), into_(into) {}
    base::result<> take(const packet_message& packet) override {
      const std::lock_guard lock(of_.mutex_);
      if (into_.numbers.size() == of_.fails_at) {
        return base::invalid_input("write", "the disk is full");
      }
      into_.numbers.push_back(base::load_little<std::uint64_t>(packet.data.data()));
      if (packet.interface) {
        into_.names.emplace_back(packet.interface->name);
      }
      ++of_.packets_;
      of_.changed_.notify_all();
      return {};
    }
    base::result<> end(const stream_end& how) override {
      const std::lock_guard lock(of_.mutex_);
      into_.end = how;
      into_.ended = true;
      ++of_.ended_;
      of_.changed_.notify_all();
      return {};
    }

   private:
    collection& of_;
    one& into_;
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<one> > streams_;
  std::size_t ended_ = 0;
  std::size_t packets_ = 0;
};

inline std::unique_ptr<server> start_server(collection& into, server_options options = {}) {
  if (options.listen == server_options{}.listen) {
    options.listen = "127.0.0.1:0";
  }
  auto made = server::start(options, into.maker());
  REQUIRE(made.has_value());
  return std::move(*made);
}

inline std::unique_ptr<client> start_client(std::uint16_t port, client_options options = {},
                                            client_events events = {}) {
  options.to = {.host = "127.0.0.1", .port = port};
  options.retry_first = 10ms;
  options.retry_longest = 50ms;
  auto made = client::start(options, std::move(events));
  REQUIRE(made.has_value());
  return std::move(*made);
}

inline void offer(client& to, std::uint64_t first, std::uint64_t count) {
  packet_batch batch;
  for (std::uint64_t i = first; i < first + count; ++i) {
    std::byte data[60] = {};
    base::store_little(data, i);
    batch.append({.time_ns = i, .data = data, .original_length = 60});
  }
  to.queue().offer(batch);
}

inline bool in_order(const std::vector<std::uint64_t>& numbers, std::uint64_t count) {
  if (numbers.size() != count) {
    return false;
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    if (numbers[i] != i) {
      return false;
    }
  }
  return true;
}

}  // namespace captured::stream::testing
