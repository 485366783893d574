// SPDX-License-Identifier: MIT
#include <array>
#include <cstdlib>

#include <boost/asio/io_context.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/service_notify.hpp"
#include "daemon/service_watch.hpp"
#include "support/catch.hpp"
#include "support/notify_socket.hpp"

using namespace captured;
using namespace captured::daemon;
using namespace std::chrono_literals;

namespace {

/// The service manager's end of the protocol.
class manager {
 public:
  explicit manager(std::chrono::microseconds watchdog = 0us) {
    if (watchdog > 0us) {
      ::setenv("WATCHDOG_USEC", std::to_string(watchdog.count()).c_str(), 1);
      ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    }
  }
  ~manager() {
    for (const char* name : {"WATCHDOG_USEC", "WATCHDOG_PID"}) {
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
  test::notify_socket socket_;
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

TEST_CASE("a manager keeps descriptors when it says so, and to be told nothing is a failure") {
  const std::array<int, 1> any{STDIN_FILENO};
  {
    const manager one;
    ::unsetenv("FDSTORE");
    CHECK_FALSE(service_notify().keeps_descriptors());
    ::setenv("FDSTORE", "0", 1);
    CHECK_FALSE(service_notify().keeps_descriptors());
    CHECK(service_notify().contradiction().empty());
    ::setenv("FDSTORE", "16", 1);
    const service_notify notify;
    CHECK(notify.keeps_descriptors());
    CHECK(notify.keep("ring", any).has_value());
  }
  CHECK_FALSE(service_notify().keeps_descriptors());
  CHECK(service_notify().keep("ring", any).has_error());
  ::unsetenv("FDSTORE");
}

TEST_CASE("what the unit says of descriptors is believed where the manager says nothing") {
  const auto say = [](const char* variable, const char* value) {
    value == nullptr ? ::unsetenv(variable) : ::setenv(variable, value, 1);
  };
  struct row {
    const char* manager;
    const char* pressure;
    const char* unit;
    std::uint64_t most;
    std::string contradiction;
  };
  const std::string begin = "the service manager keeps ";
  const row rows[] = {
      {nullptr, nullptr, nullptr, 0, ""},
      {nullptr, nullptr, "1024", 1024, ""},
      {"1024", nullptr, "1024", 1024, ""},
      {"512", nullptr, nullptr, 512, ""},
      {"64", nullptr, "1024", 64, begin + "64 descriptors, not 1024 as the unit has it"},
      {"1024", "/dev/null", "1024", 1024, ""},
      {nullptr, "/dev/null", "1024", 0, begin + "0 descriptors, not 1024 as the unit has it"},
  };
  const manager one;
  for (const row& each : rows) {
    say("FDSTORE", each.manager);
    say("MEMORY_PRESSURE_WATCH", each.pressure);
    say("CAPTURED_FDSTORE", each.unit);
    const service_notify notify;
    INFO(each.contradiction);
    CHECK(notify.descriptors_max() == each.most);
    CHECK(notify.contradiction().empty() == each.contradiction.empty());
    CHECK(notify.contradiction().starts_with(each.contradiction));
  }
  for (const char* variable : {"FDSTORE", "MEMORY_PRESSURE_WATCH", "CAPTURED_FDSTORE"}) {
    say(variable, nullptr);
  }
}
