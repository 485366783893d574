// SPDX-License-Identifier: MIT
#include "daemon/control_stream.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fcntl.h>
#include <sys/socket.h>

#include "daemon/control_client.hpp"

namespace captured::daemon {

namespace {

constexpr std::size_t piece_bytes = std::size_t{64} << 10;

/// How many octets follow a line; 0 for the last one.
std::size_t octets_behind(const control_answer& answer) {
  const boost::json::value* const more = answer.values.if_contains("more");
  const boost::json::value* const octets = answer.values.if_contains("octets");
  if (more == nullptr || !more->is_bool() || !more->get_bool() || octets == nullptr) {
    return 0;
  }
  const std::int64_t* const number = octets->if_int64();
  return number == nullptr || *number < 0 ? 0 : static_cast<std::size_t>(*number);
}

}  // namespace

base::result<control_stream> control_stream::open(const std::string& socket,
                                                  const boost::json::object& request,
                                                  std::chrono::seconds time) {
  auto connected = connect_to_daemon(socket, time);
  if (!connected) {
    return connected.error();
  }
  if (::fcntl(connected->get(), F_SETFL, 0) != 0) {
    return base::system_failure(errno, socket);
  }
  const std::string line = boost::json::serialize(request) + '\n';
  if (::send(connected->get(), line.data(), line.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(line.size())) {
    return base::system_failure(errno, socket);
  }
  return control_stream(std::move(*connected), socket);
}

void control_stream::end(int fd) noexcept {
  ::shutdown(fd, SHUT_WR);
}

base::result<> control_stream::fill() {
  std::array<char, piece_bytes> room;
  while (true) {
    const ssize_t got = ::recv(fd_.get(), room.data(), room.size(), 0);
    if (got > 0) {
      received_.append(room.data(), static_cast<std::size_t>(got));
      return {};
    }
    if (got == 0) {
      return base::invalid_input(name_, "captured hung up");
    }
    if (errno != EINTR) {
      return base::system_failure(errno, name_);
    }
  }
}

base::result<std::string> control_stream::read_line() {
  std::size_t end = received_.find('\n');
  while (end == std::string::npos) {
    if (received_.size() > answer_bytes_max) {
      return base::invalid_input(name_, "the answer is too long");
    }
    if (auto filled = fill(); !filled) {
      return filled.error();
    }
    end = received_.find('\n');
  }
  std::string line = received_.substr(0, end);
  received_.erase(0, end + 1);
  return line;
}

base::result<control_answer> control_stream::run(
    const std::function<base::result<>(std::span<const std::byte>)>& take) {
  while (true) {
    const auto line = read_line();
    if (!line) {
      return line.error();
    }
    auto answer = parse_answer(*line);
    std::size_t left = answer ? octets_behind(*answer) : 0;
    if (!answer || left == 0) {
      return answer;
    }
    while (left > 0) {
      if (received_.empty()) {
        if (auto filled = fill(); !filled) {
          return filled.error();
        }
      }
      const std::size_t count = std::min(left, received_.size());
      if (auto taken = take(std::as_bytes(std::span(received_)).first(count)); !taken) {
        return taken.error();
      }
      received_.erase(0, count);
      left -= count;
    }
  }
}

}  // namespace captured::daemon
