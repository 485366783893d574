// SPDX-License-Identifier: MIT
//
// Takes streams of packets from many clients at once, each in a thread of its own, and hands them
// to receivers. What is done with the packets is the receiver's matter.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "stream/message.hpp"
#include "stream/options.hpp"

namespace captured::stream {

/// What of a stream was not as it should be, and did no harm.
struct stream_peculiarities {
  std::uint64_t headers_missing = 0;
  std::uint64_t data_missing = 0;
  std::uint64_t lengths_differing = 0;  ///< the length of the data held
};

struct stream_end {
  bool complete = false;  ///< the client ended it properly, and gets its confirmation
  std::string why;        ///< it is not complete
  std::uint64_t packets = 0;
  stream_peculiarities peculiarities;
};

/// One stream's packets. All on the stream's own thread.
class receiver {
 public:
  virtual ~receiver() = default;
  /// A failure ends the stream; the client is told its words.
  virtual base::result<> take(const packet_message& packet) = 0;
  /// Once, the last call. A failure is told to the client in place of the confirmation.
  virtual base::result<> end(const stream_end& how) = 0;
};

/// Makes the receiver of a new stream, on its thread; `peer` is "192.0.2.7:4711". A failure refuses
/// the stream.
using receiver_maker =
    std::function<base::result<std::unique_ptr<receiver>>(const std::string& peer)>;

class server {
 public:
  /// Listens. Fails when the address cannot be had, and on certificates that cannot be read.
  static base::result<std::unique_ptr<server>> start(const server_options& options,
                                                     receiver_maker make);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Where it listens: the port that the system chose.
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// Takes no new streams, and breaks those off that are not ended by then. Waits until every
  /// receiver has ended.
  void stop(std::chrono::milliseconds time);

 private:
  class worker;
  explicit server(std::unique_ptr<worker> made);
  std::unique_ptr<worker> worker_;
};

}  // namespace captured::stream
