// SPDX-License-Identifier: MIT
//
// The client, with a server of ours behind it.
#include "support/catch.hpp"

#if defined(__SANITIZE_THREAD__)

// gRPC is not built with the sanitizer, which takes its locks for none and its hand-overs for
// races.
TEST_CASE("both ends of a stream work together") {
  WARN("SKIPPED: gRPC is not built with the thread sanitizer");
}

#else

#include <cstring>
#include <optional>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/unique_fd.hpp"
#include "stream_peers.hpp"

using namespace captured;
using namespace captured::stream;
using namespace captured::stream::testing;

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
  const auto from = start_client(to->port(), {}, {.connected = [&first](const auto&) {
                                   if (std::exchange(first, false)) {
                                     throw std::runtime_error("no thread is free");
                                   }
                                 }});
  offer(*from, 0, 10);
  CHECK(from->finish(60s).has_value());
  CHECK(from->queue().figures().connections == 2);
}

TEST_CASE("whoever streams to a name is told the address that was reached") {
  collection got;
  const auto to = start_server(got);
  client_options options;
  options.to = {.host = "localhost", .port = to->port()};
  options.asks_peer = true;
  std::optional<collector_address> reached;
  auto from =
      client::start(options, {.connected = [&reached](const auto& peer) { reached = peer; }});
  REQUIRE(from.has_value());
  offer(**from, 0, 1);
  CHECK((*from)->finish(60s).has_value());
  REQUIRE(reached.has_value());
  CHECK(reached->target() == "127.0.0.1:" + std::to_string(to->port()));
  // Finding it out takes its time: not where nobody wants to know.
  options.asks_peer = false;
  from = client::start(options, {.connected = [&reached](const auto& peer) { reached = peer; }});
  REQUIRE(from.has_value());
  offer(**from, 0, 1);
  CHECK((*from)->finish(60s).has_value());
  CHECK_FALSE(reached.has_value());
}

#endif
