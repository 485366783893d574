// SPDX-License-Identifier: MIT
//
// The packets that wait for a collector, bounded in octets, and the account of them: what was
// offered, sent and dropped. Between those who offer and the one thread that sends; knows no
// connection.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "stream/message.hpp"
#include "stream/packet_batch.hpp"

namespace captured::stream {

/// `offered = sent + dropped + waiting`, at any moment; at the end nothing waits.
struct client_figures {
  std::uint64_t offered = 0;
  std::uint64_t sent = 0;     ///< given to a connection
  std::uint64_t dropped = 0;  ///< did not fit, or was left when the stream ended
  std::uint64_t waiting = 0;
  /// Of those sent: the connection broke before the collector had confirmed that it took them. The
  /// protocol confirms at the end of a stream only, so most of them did arrive.
  std::uint64_t unconfirmed = 0;
  std::uint64_t octets_sent = 0;  ///< of messages
  std::uint64_t connections = 0;  ///< that were made
  bool connected = false;
  std::string trouble;  ///< why there is no connection; empty while there is one
};

/// What became of packets that `next` gave.
struct sent_part {
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;
  std::uint64_t lost = 0;  ///< given to a connection that broke over them: not sent again
};

class send_queue {
 public:
  explicit send_queue(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // ---- Any thread; none of these waits but await_room. ----

  void describe(std::uint32_t interface_id, const interface_description& interface);
  /// Takes the packets all together, or drops and counts them; the batch comes back empty.
  bool offer(packet_batch& batch);
  /// Counts packets that were not even made into messages, as there is no room for them.
  void drop(std::uint64_t packets);
  [[nodiscard]] bool has_room(std::size_t bytes) const;
  /// Waits for that room; false when nothing is sent any more.
  bool await_room(std::size_t bytes);
  /// Nothing more is offered: what waits is still to be sent.
  void end();
  /// Nothing is to be sent any more.
  void cancel();
  [[nodiscard]] client_figures figures() const;
  /// Waits until `close` was called; false when that takes longer.
  bool await_closed(std::chrono::milliseconds time) const;

  // ---- The sending thread. ----

  /// Descriptions of the interfaces by their number; equal versions are equal descriptions.
  struct description {
    std::string octets;
    std::uint64_t version = 0;  ///< 0: none
  };
  enum class order : std::uint8_t { send, idle, finish, stop };
  /// Waits for packets, for a while. With `send` the batch holds them, and `known` what the
  /// interfaces are called; what the batch held before is reused. `idle`: there are none yet.
  /// `finish`: all was sent and no more comes.
  [[nodiscard]] order next(packet_batch& batch, std::vector<description>& known);
  /// Accounts for packets of the batch last given.
  void settle(const sent_part& part);
  void note_connected();
  /// Says whether another attempt is to be made, after waiting for `pause`.
  [[nodiscard]] bool note_failed(const std::string& why, std::uint64_t unconfirmed,
                                 std::chrono::milliseconds pause);
  /// Nothing is sent any more: what was not settled is dropped.
  void close();
  [[nodiscard]] bool is_cancelled() const;

 private:
  [[nodiscard]] bool fits(std::size_t bytes) const {
    return !ending_ && (queue_.empty() || waiting_bytes_ + bytes <= bytes_max_);
  }

  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<packet_batch> queue_;
  std::vector<packet_batch> spare_;
  std::size_t waiting_bytes_ = 0;
  client_figures figures_;
  std::vector<description> descriptions_;
  std::uint64_t version_ = 0;
  std::uint64_t version_given_ = 0;
  bool ending_ = false;
  bool cancelled_ = false;
  bool closed_ = false;
};

}  // namespace captured::stream
