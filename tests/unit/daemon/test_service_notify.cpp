// SPDX-License-Identifier: MIT
#include <array>
#include <cstdlib>
#include <cstring>

#include <boost/asio/io_context.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/unique_fd.hpp"
#include "daemon/service_notify.hpp"
#include "daemon/service_watch.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using namespace captured::daemon;
using namespace std::chrono_literals;

namespace {

/// The service manager's end of the protocol.
class manager {
 public:
  explicit manager(std::chrono::microseconds watchdog = 0us) {
    const std::string path = folder_.path() / "notify";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    if (watchdog > 0us) {
      ::setenv("WATCHDOG_USEC", std::to_string(watchdog.count()).c_str(), 1);
      ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    }
  }
  ~manager() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
      ::unsetenv(name);
    }
  }

  /// All that was said so far.
  std::vector<std::string> heard() {
    std::vector<std::string> all;
    std::array<char, 4096> text{};
    for (ssize_t got = 0;
         (got = ::recv(socket_.get(), text.data(), text.size(), MSG_DONTWAIT)) > 0;) {
      all.emplace_back(text.data(), static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  testing::temporary_folder folder_;
  base::unique_fd socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("without a service manager nothing is said and nothing is wanted") {
  ::unsetenv("NOTIFY_SOCKET");
  const service_notify notify;
  CHECK_FALSE(notify.has_manager());
  CHECK_FALSE(notify.watchdog().has_value());
  notify.ready();
}

TEST_CASE("the service manager hears each state in the protocol's words") {
  manager one(3s);
  const service_notify notify;
  CHECK(notify.has_manager());
  CHECK(notify.watchdog() == 3s);
  notify.ready();
  notify.alive();
  notify.stopping();
  notify.status("eth0: \"x\"\nSTOPPING=1");
  CHECK(one.heard() ==
        lines{"READY=1", "WATCHDOG=1", "STOPPING=1", "STATUS=eth0: \"x\" STOPPING=1"});
  notify.extend_timeout(2s);
  CHECK(one.heard() == lines{"EXTEND_TIMEOUT_USEC=2000000"});
  notify.reloading();
  const auto heard = one.heard();
  REQUIRE(heard.size() == 1);
  CHECK(heard[0].starts_with("RELOADING=1\nMONOTONIC_USEC="));
}

TEST_CASE("the watchdog hears of life as long as the answer is yes, and of nothing else") {
  manager one(40ms);
  const service_notify notify;
  boost::asio::io_context context;
  int asked = 0;
  service_watch watch(context, notify,
                      {.is_alive =
                           [&asked](auto done) {
                             ++asked;
                             if (asked <= 3) {
                               done(true);
                             } else if (asked <= 5) {
                               done(false);
                             }  // and the sixth is never answered
                           },
                       .describe = [](auto done) { done("well"); }});
  watch.start();
  while (asked < 6) {
    REQUIRE(context.run_one_for(5s) > 0);
  }
  context.run_for(60ms);
  CHECK(asked == 6);
  CHECK(one.heard() == lines(4, "WATCHDOG=1"));  // one at the start
  watch.stop();
  context.restart();
  context.run_for(50ms);
  CHECK(one.heard().empty());
}
