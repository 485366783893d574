// SPDX-License-Identifier: MIT
//
// One client of the control socket: reads a line, hands the request on, sends the answer, and so
// on. Made by control_server alone.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/control_server.hpp"

namespace captured::daemon {

/// Shared by the operations that are under way on its socket and by the reply that is waited for:
/// it ends with the last of them.
class control_session : public std::enable_shared_from_this<control_session> {
 public:
  using socket = boost::asio::local::stream_protocol::socket;

  control_session(socket client, control_server::handler handle, control_patience patience);

  void start() { await_line(); }
  /// Sends the answer; then the next request is read.
  void answer(std::string line) { send(std::move(line), after::read_on); }
  /// Sends one line and hangs up.
  void dismiss(std::string line) { send(std::move(line), after::hang_up); }
  /// See control_reply.
  void begin_stream(std::function<void()> hung_up);
  void send_piece(std::string line, std::span<const std::byte> octets,
                  std::function<void(bool sent)> done);
  void close();
  [[nodiscard]] const std::string& peer() const noexcept { return peer_; }

 private:
  enum class after { read_on, hang_up };

  void await_line();
  void on_line(std::size_t octets);
  void send(std::string line, after then);
  void limit_time(std::chrono::milliseconds time);

  socket socket_;
  control_server::handler handle_;
  control_patience patience_;
  boost::asio::steady_timer deadline_;
  std::string peer_;
  std::string received_;
  std::string sending_;
  char heard_ = 0;
};

}  // namespace captured::daemon
