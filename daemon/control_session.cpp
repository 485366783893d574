// SPDX-License-Identifier: MIT
#include "daemon/control_session.hpp"

#include <array>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>

namespace captured::daemon {

namespace {

constexpr std::size_t piece_bytes = std::size_t{64} << 10;  // of a stream, in one call

std::string name_peer(int socket) {
  ucred peer{};
  socklen_t octets = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &octets) != 0) {
    return "unknown";
  }
  return "uid " + std::to_string(peer.uid) + ", pid " + std::to_string(peer.pid);
}

}  // namespace

control_session::control_session(socket client, control_server::handler handle,
                                 control_patience patience)
    : socket_(std::move(client)),
      handle_(std::move(handle)),
      patience_(patience),
      deadline_(socket_.get_executor()),
      peer_(name_peer(socket_.native_handle())) {}

void control_session::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  deadline_.cancel();
}

void control_session::limit_time(std::chrono::milliseconds time) {
  deadline_.expires_after(time);
  deadline_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) {
      self->close();
    }
  });
}

void control_session::await_line() {
  limit_time(patience_.idle);
  boost::asio::async_read_until(
      socket_, boost::asio::dynamic_buffer(received_, request_bytes_max), '\n',
      [self = shared_from_this()](boost::system::error_code error, std::size_t octets) {
        self->deadline_.cancel();
        if (!error) {
          self->on_line(octets);
        } else if (error == boost::asio::error::not_found) {
          self->dismiss(refusal({"request: the line is longer than " +
                                 std::to_string(request_bytes_max) + " octets"}));
        } else {
          self->close();
        }
      });
}

void control_session::on_line(std::size_t octets) {
  const auto request = parse_request({received_.data(), octets - 1});
  received_.erase(0, octets);
  if (!request) {
    answer(refusal({request.error().message()}));
    return;
  }
  handle_(*request, control_reply(shared_from_this()));
}

void control_session::send(std::string line, after then) {
  sending_ = std::move(line);
  limit_time(patience_.taking);
  boost::asio::async_write(
      socket_, boost::asio::buffer(sending_),
      [self = shared_from_this(), then](boost::system::error_code error, std::size_t) {
        self->deadline_.cancel();
        if (error || then == after::hang_up) {
          self->close();
        } else {
          self->await_line();
        }
      });
}

void control_session::begin_stream(std::function<void()> hung_up) {
  socket_.async_read_some(boost::asio::buffer(&heard_, 1),
                          [self = shared_from_this(), hung_up = std::move(hung_up)](
                              boost::system::error_code, std::size_t) { hung_up(); });
}

void control_session::send_piece(std::string line, std::span<const std::byte> octets,
                                 std::function<void(bool)> done) {
  sending_ = std::move(line);
  const std::array pieces{boost::asio::const_buffer(sending_.data(), sending_.size()),
                          boost::asio::const_buffer(octets.data(), octets.size())};
  // Asked before the first write and after each: whatever is taken begins the time anew.
  const auto go_on = [self = shared_from_this()](boost::system::error_code error, std::size_t) {
    self->limit_time(self->patience_.standing);
    return error ? std::size_t{0} : piece_bytes;
  };
  boost::asio::async_write(socket_, pieces, go_on,
                           [self = shared_from_this(), done = std::move(done)](
                               boost::system::error_code error, std::size_t) {
                             self->deadline_.cancel();
                             done(!error);
                           });
}

void control_reply::begin_stream(std::function<void()> hung_up) const {
  session_->begin_stream(std::move(hung_up));
}

void control_reply::send_piece(std::string line, std::span<const std::byte> octets,
                               std::function<void(bool)> done) const {
  session_->send_piece(std::move(line), octets, std::move(done));
}

void control_reply::finish_stream(std::string line) const {
  session_->dismiss(std::move(line));
}

void control_reply::finish(std::string line) const {
  session_->answer(std::move(line));
}

std::string control_reply::peer() const {
  return session_->peer();
}

}  // namespace captured::daemon
