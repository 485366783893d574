// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/unique_fd.hpp"
#include "daemon/control_client.hpp"
#include "daemon/control_server.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using namespace captured::daemon;

namespace {

/// A server in a folder of its own that answers every request with its name, on a thread.
class rig {
 public:
  explicit rig(std::string socket = "control") {
    options_.socket = folder_.path() / socket;
    open();
  }
  ~rig() { stop(); }

  void stop() {
    context_.stop();
    if (thread_.joinable()) {
      thread_.join();
    }
    server_.reset();
  }

  [[nodiscard]] const std::string& path() const { return options_.socket; }
  [[nodiscard]] const settings::control_settings& options() const { return options_; }
  [[nodiscard]] base::result<control_answer> ask(const std::string& name) const {
    return ask_daemon(path(), {{"request", name}}, std::chrono::seconds(5));
  }

  /// A client without manners.
  [[nodiscard]] base::unique_fd connect() const {
    base::unique_fd made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path().data(), path().size());
    REQUIRE(::connect(made.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const timeval patience{5, 0};
    ::setsockopt(made.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return made;
  }

 private:
  void open() {
    auto opened = control_server::open(
        context_, options_, [](const control_request& request, const control_reply& reply) {
          reply.finish(request.name == "no" ? refusal({"never"})
                                            : acceptance({{"said", request.name}}));
        });
    REQUIRE(opened.has_value());
    server_ = std::move(*opened);
    thread_ = std::thread([this] { context_.run(); });
  }

  testing::temporary_folder folder_;
  settings::control_settings options_;
  boost::asio::io_context context_{1};
  std::unique_ptr<control_server> server_;
  std::thread thread_;
};

void say(const base::unique_fd& to, const std::string& text) {
  REQUIRE(::send(to.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(text.size()));
}

/// What comes up to the end of a line; empty at the end of the connection.
std::string hear(const base::unique_fd& from) {
  std::string text;
  char one = 0;
  while (!text.ends_with('\n') && ::recv(from.get(), &one, 1, 0) == 1) {
    text += one;
  }
  return text;
}

base::failure open_failure(const settings::control_settings& options) {
  boost::asio::io_context context;
  const auto opened = control_server::open(context, options, [](const auto&, const auto&) {});
  REQUIRE_FALSE(opened.has_value());
  return opened.error();
}

bool exists(const std::string& path) {
  struct stat about {};
  return ::lstat(path.c_str(), &about) == 0;
}

}  // namespace

TEST_CASE("a stream's client that takes nothing for long is hung up on, one that is slow is not") {
  const testing::temporary_folder folder;
  settings::control_settings options;
  options.socket = folder.path() / "control";
  boost::asio::io_context context{1};
  const std::vector<std::byte> octets(std::size_t{4} << 20);
  std::vector<bool> sent;
  const auto opened =
      control_server::open(context, options,
                           [&](const control_request&, const control_reply& reply) {
                             reply.begin_stream([] {});
                             reply.send_piece("{\"ok\":true}\n", octets, [&, reply](bool whole) {
                               sent.push_back(whole);
                               if (whole) {
                                 reply.finish_stream(acceptance());
                               }
                             });
                           },
                           {.standing = std::chrono::milliseconds(3000)});
  REQUIRE(opened.has_value());
  std::thread thread([&] { context.run(); });
  const auto standing = connect_to_daemon(options.socket, std::chrono::seconds(5));
  const auto slow = connect_to_daemon(options.socket, std::chrono::seconds(5));
  REQUIRE(standing.has_value());
  REQUIRE(slow.has_value());
  ::fcntl(slow->get(), F_SETFL, 0);
  say(*standing, "{\"request\":\"live\"}\n");
  say(*slow, "{\"request\":\"live\"}\n");
  std::size_t heard = 0;
  std::vector<char> room(std::size_t{128} << 10);
  for (ssize_t got = 1; got > 0; heard += static_cast<std::size_t>(got)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    got = std::max<ssize_t>(::recv(slow->get(), room.data(), room.size(), 0), 0);
  }
  CHECK(heard > octets.size());
  context.stop();
  thread.join();
  CHECK(std::count(sent.begin(), sent.end(), true) == 1);
  CHECK(std::count(sent.begin(), sent.end(), false) == 1);
}

TEST_CASE("a client gets answers and refusals") {
  const rig made;
  const auto answer = made.ask("status");
  REQUIRE(answer.has_value());
  CHECK(answer->values.at("said").as_string() == "status");
  const auto refused = made.ask("no");
  REQUIRE(refused.has_value());
  CHECK(refused->errors == std::vector<std::string>{"never"});
}

TEST_CASE("a client may send nonsense, is told so, and may ask on") {
  const rig made;
  const auto client = made.connect();
  say(client, "nonsense\n\n{\"request\":\"status\"}\n{\"requ");
  CHECK_FALSE(parse_answer(hear(client))->ok);
  CHECK_FALSE(parse_answer(hear(client))->ok);
  CHECK(parse_answer(hear(client))->ok);
  say(client, "est\":\"again\"}\n");
  CHECK(parse_answer(hear(client))->values.at("said").as_string() == "again");
}

TEST_CASE("a line without an end is refused, and the connection ended") {
  const rig made;
  const auto client = made.connect();
  say(client, std::string(request_bytes_max, 'x'));
  CHECK(hear(client).find("longer than") != std::string::npos);
  CHECK(hear(client).empty());
  CHECK(made.ask("status").has_value());
}

TEST_CASE("clients that go without a word, or in the middle of one, leave the server alone") {
  const rig made;
  for (int i = 0; i < 100; ++i) {
    const auto client = made.connect();
    if (i % 2 == 0) {
      say(client, "{\"request\":\"status\"}\n{\"re");
    }
  }
  bool served = false;
  for (int i = 0; i < 100 && !served; ++i) {  // it notices each one's end in turn
    const auto answer = made.ask("status");
    served = answer && answer->ok;
  }
  CHECK(served);
}

TEST_CASE("too many clients at once are refused, and served when others have gone") {
  const rig made;
  std::vector<base::unique_fd> clients;
  for (int i = 0; i < 16; ++i) {
    clients.push_back(made.connect());
    say(clients.back(), "{\"request\":\"status\"}\n");
    REQUIRE(parse_answer(hear(clients.back()))->ok);
  }
  const auto refused = made.ask("status");
  REQUIRE(refused.has_value());
  CHECK(refused->errors[0].find("too many clients") != std::string::npos);
  clients.clear();
  bool served = false;
  for (int i = 0; i < 100 && !served; ++i) {  // it notices each one's end in turn
    const auto answer = made.ask("status");
    served = answer && answer->ok;
  }
  CHECK(served);
}

TEST_CASE("the socket has the mode that was asked for, and goes with the server") {
  rig made("new folder/control");
  struct stat about {};
  REQUIRE(::lstat(made.path().c_str(), &about) == 0);
  CHECK((about.st_mode & 07777) == 0660);
  made.stop();
  CHECK_FALSE(exists(made.path()));
}

TEST_CASE("a socket that is in use is left alone") {
  const rig made;
  CHECK(open_failure(made.options()).message().find("another captured") != std::string::npos);
  CHECK(made.ask("status").has_value());
}

TEST_CASE("a socket that nobody listens on any more is replaced") {
  const testing::temporary_folder folder;
  const std::string path = folder.path() / "control";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  {
    const base::unique_fd stale(::socket(AF_UNIX, SOCK_STREAM, 0));
    REQUIRE(::bind(stale.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  boost::asio::io_context context;
  settings::control_settings options;
  options.socket = path;
  CHECK(control_server::open(context, options, [](const auto&, const auto&) {}).has_value());
}

TEST_CASE("a file of that name is never removed") {
  const testing::temporary_folder folder;
  folder.write("control", "precious");
  settings::control_settings options;
  options.socket = folder.path() / "control";
  CHECK(open_failure(options).message().find("no socket") != std::string::npos);
  CHECK(folder.read("control") == "precious");
}

TEST_CASE("a group that is not there, and a folder that cannot be made, are named") {
  const testing::temporary_folder folder;
  settings::control_settings options;
  options.socket = folder.path() / "control";
  options.group = "no-such-group";
  CHECK(open_failure(options).message().find("no-such-group") != std::string::npos);
  CHECK(folder.names().empty());
  options.socket = folder.path() / "a/b/control";
  CHECK(open_failure(options).message().find("a/b") != std::string::npos);
}

TEST_CASE("a client that finds nobody is told what to look at") {
  const testing::temporary_folder folder;
  const auto answer = ask_daemon(folder.path() / "control", {}, std::chrono::seconds(1));
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().message().find("is the service running") != std::string::npos);
}
