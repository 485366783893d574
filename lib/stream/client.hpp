// SPDX-License-Identifier: MIT
//
// Sends packets to a collector from a thread of its own: connects, comes back after failures with
// growing pauses, and holds a bounded number of octets meanwhile. What does not fit is dropped and
// counted; whoever offers packets never waits.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "stream/options.hpp"
#include "stream/send_queue.hpp"

namespace captured::stream {

/// What is worth a line in a log: called on the client's own thread.
struct client_events {
  /// With whom, where that was asked for and can be told: of a collector that has a name, the
  /// address. Nothing is sent before it returns.
  std::function<void(const std::optional<collector_address>& peer)> connected;
  std::function<void(const std::string& why)> failed;
  /// The last call: nothing is sent any more, the figures are final. Also when the collector has
  /// confirmed, which is no failure.
  std::function<void(const base::result<>& how)> ended;
};

class client {
 public:
  /// Reads certificates and keys, and starts the thread, which connects. Fails when a file cannot
  /// be read or is none.
  static base::result<std::unique_ptr<client>> start(const client_options& options,
                                                     client_events events);
  /// Cancels, and waits for the thread.
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  /// Where packets are offered; lives as long as the client.
  [[nodiscard]] send_queue& queue() noexcept;
  /// Ends the stream properly once all that waits is sent. Does not wait.
  void end();
  /// Drops what waits and breaks the connection. Does not wait.
  void cancel();
  /// `end`, and after `time` `cancel`. Waits, and says how the stream ended.
  base::result<> finish(std::chrono::milliseconds time);

 private:
  class worker;
  explicit client(std::unique_ptr<worker> made);
  std::unique_ptr<worker> worker_;
};

}  // namespace captured::stream
