// SPDX-License-Identifier: MIT
//
// What can be chosen for a stream of packets, at both of its ends. Plain values; certificates and
// keys are named by their files, which are read when a connection is made.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace captured::stream {

/// Where the original listens; a server of ours answers on `bare_path` too, as peers made from its
/// documentation alone ask for that.
inline constexpr const char* usual_path = "/packet_streaming.PacketStreaming/Run";
inline constexpr const char* bare_path = "/PacketStreaming/Run";

/// How one end proves who it is, and whom it believes. PEM files.
struct tls_options {
  std::string authorities;        ///< who may sign the other's certificate; empty: the system's
  std::string certificate;        ///< our own; empty: none
  std::string key;                ///< of our own certificate
  std::string name;               ///< that the server's certificate must carry; empty: its host
  bool check_certificate = true;  ///< client: false believes anybody, and is for tests alone

  friend bool operator==(const tls_options&, const tls_options&) = default;
};

/// Where a collector listens.
struct collector_address {
  std::string host;  ///< name or address; IPv6 without brackets
  std::uint16_t port = 0;
  bool is_encrypted = false;

  /// "host:port", with brackets where they are needed.
  [[nodiscard]] std::string target() const;
  /// Is the host an address rather than a name that has to be looked up?
  [[nodiscard]] bool is_literal() const;

  friend bool operator==(const collector_address&, const collector_address&) = default;
};

/// Reads "http://HOST:PORT" (without TLS) or "https://HOST:PORT". Fails with what was expected.
[[nodiscard]] base::result<collector_address> parse_collector(const std::string& text);

/// The path of a method: a whole path stays as it is, the full name of a service gets "/NAME/Run",
/// an empty text gives `usual_path`. Fails on what cannot be a path.
[[nodiscard]] base::result<std::string> parse_path(const std::string& text);

struct client_options {
  collector_address to;
  std::string path = usual_path;
  tls_options tls;
  std::size_t queue_bytes = std::size_t{64} << 20;  ///< packets that wait for the connection
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds retry_first{500};  ///< pause after a failure; doubles each time
  /// A connection that held for so long begins with `retry_first` again.
  std::chrono::milliseconds retry_longest{30'000};
  bool ends_at_failure = false;  ///< no second connection: for a file that is sent once
  bool asks_peer = false;  ///< find out with whom it is connected, for client_events::connected

  friend bool operator==(const client_options&, const client_options&) = default;
};

struct server_options {
  std::string listen = "0.0.0.0:50051";  ///< "host:port"; port 0 lets the system choose
  std::string path;                      ///< answered beside the two usual ones; empty: none
  bool is_encrypted = false;
  tls_options tls;  ///< with `authorities`, clients must have a certificate of theirs
  std::size_t message_bytes_max = std::size_t{4} << 20;
  std::uint32_t clients_max = 64;               ///< streams at a time; further ones are refused
  std::chrono::milliseconds handshake{10'000};  ///< then a connection without one is closed
  std::chrono::milliseconds idle{60'000};       ///< the same for one without a stream
  std::uint64_t packets_per_second_max = 0;  ///< of one stream, which is slowed down; 0: no limit
};

}  // namespace captured::stream
