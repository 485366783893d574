// SPDX-License-Identifier: MIT
//
// Both ends of a stream in one process, over the loopback interface.
#include "support/catch.hpp"

#if defined(__SANITIZE_THREAD__)

// gRPC is not built with the sanitizer, which takes its locks for none and its hand-overs for
// races.
TEST_CASE("both ends of a stream work together") {
  WARN("SKIPPED: gRPC is not built with the thread sanitizer");
}

#else

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/bytes.hpp"
#include "base/unique_fd.hpp"
#include "stream/client.hpp"
#include "stream/server.hpp"

using namespace captured;
using namespace captured::stream;
using namespace std::chrono_literals;

namespace {

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

std::unique_ptr<server> start_server(collection& into, server_options options = {}) {
  if (options.listen == server_options{}.listen) {
    options.listen = "127.0.0.1:0";
  }
  auto made = server::start(options, into.maker());
  REQUIRE(made.has_value());
  return std::move(*made);
}

std::unique_ptr<client> start_client(std::uint16_t port, client_options options = {},
                                     client_events events = {}) {
  options.to = {.host = "127.0.0.1", .port = port};
  options.retry_first = 10ms;
  options.retry_longest = 50ms;
  auto made = client::start(options, std::move(events));
  REQUIRE(made.has_value());
  return std::move(*made);
}

void offer(client& to, std::uint64_t first, std::uint64_t count) {
  packet_batch batch;
  for (std::uint64_t i = first; i < first + count; ++i) {
    std::byte data[60] = {};
    base::store_little(data, i);
    batch.append({.time_ns = i, .data = data, .original_length = 60});
  }
  to.queue().offer(batch);
}

bool in_order(const std::vector<std::uint64_t>& numbers, std::uint64_t count) {
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

}  // namespace

TEST_CASE("packets arrive once and in order, and the end is confirmed") {
  collection got;
  const auto to = start_server(got);
  const auto from = start_client(to->port());
  from->queue().describe(0, {"eth0"});
  for (std::uint64_t i = 0; i < 100; ++i) {
    offer(*from, i * 100, 100);
  }
  CHECK(from->finish(60s).has_value());
  const auto figures = from->queue().figures();
  CHECK(figures.offered == 10'000);
  CHECK(figures.sent == 10'000);
  CHECK(figures.dropped == 0);
  CHECK(figures.unconfirmed == 0);
  REQUIRE(got.streams() == 1);
  const auto stream = got.copy(0);
  CHECK(in_order(stream.numbers, 10'000));
  CHECK(stream.names == std::vector<std::string>{"eth0"});
  CHECK(stream.end.complete);
  CHECK(stream.end.packets == 10'000);
}

TEST_CASE("a server answers on its own path, the bare one and one that is configured") {
  collection got;
  const auto to = start_server(got, {.path = "/other.Service/Run"});
  for (const char* const path : {usual_path, bare_path, "/other.Service/Run"}) {
    client_options options;
    options.path = path;
    const auto from = start_client(to->port(), options);
    offer(*from, 0, 3);
    CHECK(from->finish(60s).has_value());
  }
  CHECK(got.streams() == 3);
  client_options options;
  options.path = "/no.Such/Run";
  options.ends_at_failure = true;
  const auto from = start_client(to->port(), options);
  const auto how = from->finish(60s);
  REQUIRE_FALSE(how.has_value());
  CHECK_THAT(how.error().message(), Catch::Contains("no such method"));
}

TEST_CASE("a client comes back to a collector that was killed, and its account stays exact") {
  collection first;
  collection second;
  std::atomic<int> failures = 0;
  auto to = start_server(first);
  const std::uint16_t port = to->port();
  const auto from = start_client(port, {}, {.failed = [&](const std::string&) {
                                   ++failures;
                                   failures.notify_all();
                                 }});
  offer(*from, 0, 10);
  REQUIRE(first.await_packets(10));
  to->stop(0ms);
  to.reset();
  offer(*from, 10, 10);
  failures.wait(0);  // only now it is sure that nothing more goes to the one that is gone
  server_options again;
  again.listen = "127.0.0.1:" + std::to_string(port);
  to = start_server(second, again);
  offer(*from, 20, 10);
  CHECK(from->finish(60s).has_value());
  const auto figures = from->queue().figures();
  CHECK(figures.offered == 30);
  CHECK(figures.offered == figures.sent + figures.dropped);
  CHECK(figures.unconfirmed >= 10);
  CHECK(figures.connections >= 2);
  CHECK(failures > 0);
  CHECK_FALSE(first.copy(0).end.complete);
  const auto numbers = second.copy(0).numbers;
  CHECK(numbers.size() >= 10);
  CHECK(numbers.back() == 29);
}

TEST_CASE("without a collector the queue fills, the rest is dropped, and the end does not hang") {
  client_options options;
  options.queue_bytes = 5000;
  const auto from = start_client(1, options);  // nobody listens on port 1
  for (std::uint64_t i = 0; i < 100; ++i) {
    offer(*from, i * 10, 10);
  }
  CHECK(from->queue().figures().dropped > 0);
  CHECK_FALSE(from->finish(50ms).has_value());
  const auto figures = from->queue().figures();
  CHECK(figures.offered == 1000);
  CHECK(figures.sent == 0);
  CHECK(figures.dropped == 1000);
  CHECK_FALSE(figures.trouble.empty());
}

TEST_CASE("a collector that takes the connection and stays silent is given up in time") {
  // A listening socket without anybody behind it: the kernel takes the connection.
  const base::unique_fd silent(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof at;
  REQUIRE(::bind(silent.get(), reinterpret_cast<sockaddr*>(&at), length) == 0);
  REQUIRE(::listen(silent.get(), 8) == 0);
  REQUIRE(::getsockname(silent.get(), reinterpret_cast<sockaddr*>(&at), &length) == 0);
  client_options options;
  options.connect_timeout = 200ms;
  options.ends_at_failure = true;
  const auto from = start_client(::ntohs(at.sin_port), options);
  offer(*from, 0, 1);
  const auto how = from->finish(60s);
  REQUIRE_FALSE(how.has_value());
  CHECK_THAT(how.error().message(), Catch::Contains("did not answer in time"));
}

TEST_CASE("what a receiver says against a packet reaches the client") {
  collection got;
  got.fails_at = 5;
  const auto to = start_server(got);
  client_options options;
  options.ends_at_failure = true;
  const auto from = start_client(to->port(), options);
  offer(*from, 0, 10);
  const auto how = from->finish(60s);
  REQUIRE_FALSE(how.has_value());
  CHECK_THAT(how.error().message(), Catch::Contains("the disk is full"));
  CHECK(got.await_ended(1));
}

TEST_CASE("an error that the collector answers is noticed while there is nothing to send") {
  collection got;
  got.fails_at = 0;
  const auto to = start_server(got);
  std::atomic<int> failures = 0;
  const auto from = start_client(to->port(), {}, {.failed = [&](const std::string&) {
                                   ++failures;
                                   failures.notify_all();
                                 }});
  offer(*from, 0, 10);
  failures.wait(0);
  from->cancel();
}

TEST_CASE("a collector that takes packets and fails each time is asked ever more rarely") {
  collection got;
  got.fails_at = 0;
  const auto to = start_server(got);
  std::atomic<int> failures = 0;
  client_options options;
  options.to = {.host = "127.0.0.1", .port = to->port()};
  options.retry_first = 4ms;
  options.retry_longest = 10min;
  const auto made = client::start(options, {.failed = [&](const std::string&) {
                                    ++failures;
                                    failures.notify_all();
                                  }});
  REQUIRE(made.has_value());
  const auto begun = std::chrono::steady_clock::now();
  for (int seen = 0; seen < 8; ++seen) {
    offer(**made, 0, 1);  // each connection has something to send
    failures.wait(seen);
  }
  // Half of each pause at least: 4 + 8 + ... + 256 ms before the last failure.
  CHECK(std::chrono::steady_clock::now() - begun >= 254ms);
  CHECK((*made)->queue().figures().sent > 0);
}

TEST_CASE("what is thrown on the client's thread costs the attempt and not the process") {
  collection got;
  const auto to = start_server(got);
  bool first = true;
  const auto from = start_client(to->port(), {}, {.connected = [&first] {
                                   if (std::exchange(first, false)) {
                                     throw std::runtime_error("no thread is free");
                                   }
                                 }});
  offer(*from, 0, 10);
  CHECK(from->finish(60s).has_value());
  CHECK(from->queue().figures().connections == 2);
}

TEST_CASE("streams beyond the limit are refused while the others go on") {
  collection got;
  const auto to = start_server(got, {.clients_max = 1});
  const auto first = start_client(to->port());
  offer(*first, 0, 1);
  REQUIRE(got.await_packets(1));
  client_options options;
  options.ends_at_failure = true;
  const auto second = start_client(to->port(), options);
  const auto how = second->finish(60s);
  REQUIRE_FALSE(how.has_value());
  CHECK_THAT(how.error().message(), Catch::Contains("too many"));
  offer(*first, 1, 1);
  CHECK(first->finish(60s).has_value());
  CHECK(in_order(got.copy(0).numbers, 2));
}

TEST_CASE("a message that is longer than allowed ends its stream alone") {
  collection got;
  const auto to = start_server(got, {.message_bytes_max = 1000});
  client_options options;
  options.ends_at_failure = true;
  const auto from = start_client(to->port(), options);
  const std::vector<std::byte> data(2000);
  packet_batch batch;
  batch.append({.data = data, .original_length = 2000});
  from->queue().offer(batch);
  const auto how = from->finish(60s);
  REQUIRE_FALSE(how.has_value());
  CHECK_THAT(how.error().message(), Catch::Contains("larger than max"));
  REQUIRE(got.await_ended(1));
  CHECK_FALSE(got.copy(0).end.complete);
  const auto other = start_client(to->port());
  offer(*other, 0, 1);
  CHECK(other->finish(60s).has_value());
}

TEST_CASE("a server that stops breaks open streams off and ends their receivers") {
  collection got;
  const auto to = start_server(got);
  const auto from = start_client(to->port());
  offer(*from, 0, 1);
  REQUIRE(got.await_packets(1));
  to->stop(10ms);
  REQUIRE(got.await_ended(1));
  CHECK_FALSE(got.copy(0).end.complete);
  from->cancel();
}

TEST_CASE("a server refuses an address that is taken, and TLS without a certificate") {
  collection got;
  const auto to = start_server(got);
  CHECK_FALSE(server::start({.listen = "127.0.0.1:" + std::to_string(to->port())}, got.maker())
                  .has_value());
  const auto no_key = server::start({.listen = "127.0.0.1:0", .is_encrypted = true}, got.maker());
  REQUIRE_FALSE(no_key.has_value());
  CHECK_THAT(no_key.error().message(), Catch::Contains("certificate"));
  client_options options;
  options.to = {.host = "localhost", .port = 1, .is_encrypted = true};
  options.tls.authorities = "/nowhere/ca.pem";
  CHECK_FALSE(client::start(options, {}).has_value());
}

#endif
