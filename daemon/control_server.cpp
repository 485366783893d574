// SPDX-License-Identifier: MIT
#include "daemon/control_server.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/unique_fd.hpp"
#include "daemon/accounts.hpp"
#include "daemon/control_session.hpp"
#include "daemon/logging.hpp"

namespace captured::daemon {

namespace {

constexpr std::size_t clients_max = 16;  // operators and their monitoring; each takes 16 KiB
constexpr int queue_max = 128;           // those who connected and were not looked at yet
constexpr mode_t folder_mode = 0755;
constexpr mode_t owner_only = 0600;
constexpr auto retry_after = std::chrono::seconds(1);

base::result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return base::invalid_input("control socket " + path, "the path is too long for a socket");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

base::result<base::unique_fd> make_socket(const std::string& path) {
  base::unique_fd made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made) {
    return base::system_failure(errno, "make control socket " + path);
  }
  return made;
}

/// Is the path free, or taken by a socket on which nobody listens?
base::result<> check_free(const std::string& path) {
  const std::string context = "control socket " + path;
  struct stat about {};
  if (::lstat(path.c_str(), &about) != 0) {
    return errno == ENOENT ? base::result<>() : base::system_failure(errno, context);
  }
  if (!S_ISSOCK(about.st_mode)) {
    return base::invalid_input(context, "something that is no socket has that name");
  }
  const auto address = address_of(path);
  const auto probe = make_socket(path);
  if (!address || !probe) {
    return address ? probe.error() : address.error();
  }
  if (::connect(probe->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0 ||
      errno == EAGAIN) {
    return base::invalid_input(context, "another captured listens there");
  }
  return errno == ECONNREFUSED || errno == ENOENT ? base::result<>()
                                                  : base::system_failure(errno, context);
}

/// Makes the folder that holds the path, but none above it.
base::result<> make_folder(const std::string& path) {
  const std::string folder = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
  if (::mkdir(folder.c_str(), folder_mode) != 0 && errno != EEXIST) {
    return base::system_failure(errno, "make directory " + folder + " of the control socket");
  }
  return {};
}

/// Group and mode of a socket that so far only its owner may use.
base::result<> give_rights(const std::string& path, const settings::control_settings& options) {
  if (!options.group.empty()) {
    const auto id = find_group("control.group", options.group);
    if (!id) {
      return id.error();
    }
    if (::chown(path.c_str(), static_cast<uid_t>(-1), *id) != 0) {
      // One may give to groups that one is a member of; without, it still serves its owner.
      const auto why = base::system_failure(
          errno, "give control socket " + options.socket + " to group " + options.group);
      log_line(log_level::warning, {},
               "{}; it stays with its owner's (as a service: SupplementaryGroups={}, "
               "SystemCallFilter=@chown)",
               why.message(), options.group);
    }
  }
  if (::chmod(path.c_str(), options.mode) != 0) {
    return base::system_failure(errno, "set the mode of control socket " + options.socket);
  }
  return {};
}

unsigned long long inode_of(const std::string& path) {
  struct stat about {};
  return ::lstat(path.c_str(), &about) == 0 && S_ISSOCK(about.st_mode) ? about.st_ino : 0;
}

}  // namespace

control_server::control_server(boost::asio::io_context& context, std::string path, handler handle,
                               control_patience patience)
    : path_(std::move(path)),
      handle_(std::move(handle)),
      patience_(patience),
      acceptor_(context),
      retry_(context) {}

base::result<std::unique_ptr<control_server>> control_server::open(
    boost::asio::io_context& context, const settings::control_settings& options, handler handle,
    control_patience patience) {
  std::unique_ptr<control_server> made(
      new control_server(context, options.socket, std::move(handle), patience));
  if (const auto listening = made->listen(options); !listening) {
    return listening.error();
  }
  made->await_client();
  return made;
}

base::result<> control_server::listen(const settings::control_settings& options) {
  if (const auto made = make_folder(path_); !made) {
    return made.error();
  }
  if (const auto free = check_free(path_); !free) {
    return free.error();
  }
  // Made whole under a name of its own, then renamed: nobody meets a socket that is half made.
  const std::string part = path_ + ".new";
  const auto address = address_of(part);
  auto made = make_socket(path_);
  if (!address || !made) {
    return address ? made.error() : address.error();
  }
  if (inode_of(part) != 0) {
    ::unlink(part.c_str());
  }
  // A socket takes its first mode from the descriptor: no umask, which threads share, is needed.
  ::fchmod(made->get(), owner_only);
  if (::bind(made->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    return base::system_failure(errno, "make control socket " + path_);
  }
  const auto given = give_rights(part, options);
  if (!given || ::listen(made->get(), queue_max) != 0 ||
      ::rename(part.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(part.c_str());
    return given ? base::system_failure(error, "make control socket " + path_) : given.error();
  }
  socket_inode_ = inode_of(path_);
  acceptor_.assign(protocol(), made->release());
  return {};
}

control_server::~control_server() {
  for (const auto& each : sessions_) {
    if (const auto session = each.lock()) {
      session->close();
    }
  }
  // Not the one that a later daemon has made under the same name meanwhile.
  if (socket_inode_ != 0 && inode_of(path_) == socket_inode_) {
    ::unlink(path_.c_str());
  }
}

void control_server::await_client() {
  acceptor_.async_accept([this](boost::system::error_code error, protocol::socket client) {
    if (error == boost::asio::error::operation_aborted) {
      return;
    }
    if (!error) {
      take_client(std::move(client));
      await_client();
      return;
    }
    // No descriptor or memory was free: the client waits in the queue, we look again later.
    spdlog::warn("control socket {}: {}", path_, error.message());
    retry_.expires_after(retry_after);
    retry_.async_wait([this](boost::system::error_code stopped) {
      if (!stopped) {
        await_client();
      }
    });
  });
}

void control_server::take_client(protocol::socket client) {
  std::erase_if(sessions_, [](const auto& each) { return each.expired(); });
  const auto session = std::make_shared<control_session>(std::move(client), handle_, patience_);
  sessions_.push_back(session);
  if (sessions_.size() > clients_max) {
    session->dismiss(refusal({"too many clients at once; try again later"}));
    return;
  }
  session->start();
}

}  // namespace captured::daemon
