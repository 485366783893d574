// SPDX-License-Identifier: MIT
#include "daemon/control_client.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/unique_fd.hpp"

namespace captured::daemon {

namespace {

using clock = std::chrono::steady_clock;

base::failure refused_connection(int error, const std::string& socket) {
  switch (error) {
    case ENOENT:
    case ECONNREFUSED:
      return {base::error_code(error, boost::system::system_category()), socket,
              "no captured listens there; is the service running (systemctl status captured)?"};
    case EACCES:
    case EPERM:
      return {base::error_code(error, boost::system::system_category()), socket,
              "permission denied; the socket's group may ask (see control.group), and root"};
    default:
      return base::system_failure(error, socket);
  }
}

base::failure silence(const std::string& socket) {
  return base::failure{base::error_code(ETIMEDOUT, boost::system::system_category()), socket,
                       "captured did not answer in time"};
}

/// Waits until the socket can be read or written. False when the time is over.
bool await(int socket, short events, clock::time_point end) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock::now());
    pollfd one{socket, events, 0};
    const int found = left.count() <= 0 ? 0 : ::poll(&one, 1, static_cast<int>(left.count()));
    if (found >= 0 || errno != EINTR) {
      return found > 0;
    }
  }
}

base::result<> send_all(int socket, std::string_view text, const std::string& name,
                        clock::time_point end) {
  while (!text.empty()) {
    const auto sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (!await(socket, POLLOUT, end)) {
        return silence(name);
      }
    } else if (errno == EPIPE) {
      return {};  // it hung up on us; why stands in its answer
    } else if (errno != EINTR) {
      return base::system_failure(errno, name);
    }
  }
  return {};
}

base::result<std::string> receive_line(int socket, const std::string& name, clock::time_point end) {
  std::string text;
  std::array<char, 16 << 10> piece{};
  while (text.size() <= answer_bytes_max) {
    if (!await(socket, POLLIN, end)) {
      return silence(name);
    }
    const auto got = ::recv(socket, piece.data(), piece.size(), 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
      continue;
    }
    if (got <= 0) {
      return base::invalid_input(name, "captured hung up without an answer");
    }
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (const auto length = text.find('\n'); length != std::string::npos) {
      text.resize(length);
      return text;
    }
  }
  return base::invalid_input(name, "the answer is too long");
}

}  // namespace

/// Waits while others are in its queue.
base::result<base::unique_fd> connect_to_daemon(const std::string& socket,
                                                std::chrono::seconds time) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.empty() || socket.size() >= sizeof address.sun_path) {
    return base::invalid_input(socket, "that cannot be the path of a socket");
  }
  std::memcpy(address.sun_path, socket.data(), socket.size());
  base::unique_fd made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{time.count(), 0};
  if (!made || ::setsockopt(made.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0) {
    return base::system_failure(errno, "make a socket");
  }
  if (::connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return errno == EAGAIN ? silence(socket) : refused_connection(errno, socket);
  }
  if (::fcntl(made.get(), F_SETFL, O_NONBLOCK) != 0) {
    return base::system_failure(errno, "make a socket");
  }
  return made;
}

base::result<control_answer> ask_daemon(const std::string& socket,
                                        const boost::json::object& request,
                                        std::chrono::seconds time) {
  const auto end = clock::now() + time;
  const auto connected = connect_to_daemon(socket, time);
  if (!connected) {
    return connected.error();
  }
  const std::string line = boost::json::serialize(request) + '\n';
  if (const auto sent = send_all(connected->get(), line, socket, end); !sent) {
    return sent.error();
  }
  const auto answer = receive_line(connected->get(), socket, end);
  if (!answer) {
    return answer.error();
  }
  return parse_answer(*answer);
}

}  // namespace captured::daemon
