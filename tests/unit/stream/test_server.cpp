// SPDX-License-Identifier: MIT
//
// The server: what it answers to, and what it refuses.
#include "support/catch.hpp"

#if defined(__SANITIZE_THREAD__)

// gRPC is not built with the sanitizer, which takes its locks for none and its hand-overs for
// races.
TEST_CASE("a server of streams answers and refuses") {
  WARN("SKIPPED: gRPC is not built with the thread sanitizer");
}

#else

#include <cerrno>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/unique_fd.hpp"
#include "stream_peers.hpp"

using namespace captured;
using namespace captured::stream;
using namespace captured::stream::testing;

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

TEST_CASE("a connection that never becomes a stream is closed by the server") {
  collection got;
  const auto to = start_server(got, {.handshake = 200ms, .idle = 200ms});
  // Silence; and the beginning of HTTP/2 with empty settings, and then silence.
  for (const std::string& said : {std::string(), std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                                             "\0\0\0\x04\0\0\0\0\0",
                                                             33)}) {
    const base::unique_fd peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = ::htons(to->port());
    at.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(peer.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    const timeval patience{60, 0};
    ::setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    REQUIRE(::send(peer.get(), said.data(), said.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(said.size()));
    char room[4096];
    ssize_t heard = 1;
    while (heard > 0) {
      heard = ::recv(peer.get(), room, sizeof room, 0);
    }
    CHECK((heard == 0 || errno == ECONNRESET));
  }
  CHECK(got.streams() == 0);
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
