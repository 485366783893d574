// SPDX-License-Identifier: MIT
//
// The socket through which capturectl asks a running daemon. Who may ask is said by the socket's
// owner, group and mode, which the kernel checks; what a request does is the handler's matter.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/error.hpp"
#include "daemon/control_protocol.hpp"
#include "settings/configuration.hpp"

namespace captured::daemon {

class control_session;

/// Where the answer to one request goes. Copies stand for the same request and keep its connection
/// open; when the client has gone meanwhile, nothing happens.
class control_reply {
 public:
  explicit control_reply(std::shared_ptr<control_session> session) : session_(std::move(session)) {}

  /// Sends the last, and so far only, line of the answer (see control_protocol); then the client
  /// may ask again. Call it once for each request, on the context's thread, now or later.
  void finish(std::string line) const;
  /// Instead: the answer is a stream of pieces, until `finish_stream`. `hung_up` is called when the
  /// client says or sends anything meanwhile, by which it ends the stream, or has gone.
  void begin_stream(std::function<void()> hung_up) const;
  /// One line, which says how many octets follow it, and these. They stay the caller's, and must
  /// stay, until `done` says whether they were sent. A client may take its time, but not for ever.
  void send_piece(std::string line, std::span<const std::byte> octets,
                  std::function<void(bool sent)> done) const;
  /// The last line; then the connection ends.
  void finish_stream(std::string line) const;
  /// Who asks, for the log: "uid 0, pid 4711".
  [[nodiscard]] std::string peer() const;

 private:
  std::shared_ptr<control_session> session_;  // until the answer, nobody else holds it
};

/// How long a client may take. Values other than these are for tests.
struct control_patience {
  std::chrono::milliseconds idle{30'000};    ///< to think about its next request
  std::chrono::milliseconds taking{10'000};  ///< to take an answer
  /// Of a stream, to take anything at all: whoever looks at packets may stop to look.
  std::chrono::milliseconds standing{600'000};
};

/// All on the thread that runs the context. Clients are bounded in number, in the length of their
/// lines and in the time that they may be idle or not take an answer; one that goes beyond is told
/// so, where that is possible, and hung up on.
class control_server {
 public:
  using handler = std::function<void(const control_request&, const control_reply&)>;

  /// Makes the socket, and its folder (mode 0755) when only that is missing. A socket that nobody
  /// listens on any more is replaced, one that is in use is an error; nothing else is ever removed.
  /// At no moment has the socket more rights than wanted. `options.socket` must not be empty.
  static base::result<std::unique_ptr<control_server>> open(
      boost::asio::io_context& context, const settings::control_settings& options, handler handle,
      control_patience patience = {});
  /// Hangs up on all clients and removes the socket.
  ~control_server();
  control_server(const control_server&) = delete;
  control_server& operator=(const control_server&) = delete;

 private:
  using protocol = boost::asio::local::stream_protocol;

  control_server(boost::asio::io_context& context, std::string path, handler handle,
                 control_patience patience);
  [[nodiscard]] base::result<> listen(const settings::control_settings& options);
  void await_client();
  void take_client(protocol::socket client);

  std::string path_;
  handler handle_;
  control_patience patience_;
  protocol::acceptor acceptor_;
  boost::asio::steady_timer retry_;
  std::vector<std::weak_ptr<control_session>> sessions_;
  unsigned long long socket_inode_ = 0;  ///< of the socket that we made; 0: none
};

}  // namespace captured::daemon
