// SPDX-License-Identifier: MIT
#include <array>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/poll_set.hpp"
#include "support/catch.hpp"

namespace base = captured::base;
using captured::capture::poll_set;

namespace {

base::unique_fd make_event() {
  return base::unique_fd(::eventfd(0, EFD_CLOEXEC));
}

void signal(const base::unique_fd& event) {
  REQUIRE(::eventfd_write(event.get(), 1) == 0);
}

bool is_readable(const poll_set& set) {
  pollfd wanted{.fd = set.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, 0) == 1;
}

}  // namespace

TEST_CASE("a set tells which descriptors had an event, once for each event") {
  auto set = poll_set::create().value();
  const auto first = make_event();
  const auto second = make_event();
  REQUIRE(set.add(first.get(), 11).has_value());
  REQUIRE(set.add(second.get(), 22).has_value());
  CHECK_FALSE(is_readable(set));
  CHECK(set.drain().empty());

  signal(second);
  CHECK(is_readable(set));
  const auto events = set.drain();
  REQUIRE(events.size() == 1);
  CHECK(events[0].id == 22);
  CHECK_FALSE(events[0].error);
  // The descriptor is still readable; the set is not, or else a loop around it would spin.
  CHECK_FALSE(is_readable(set));
  CHECK(set.drain().empty());

  signal(second);
  signal(first);
  CHECK(set.drain().size() == 2);
}

TEST_CASE("a quiet set tells of no input until it is quiet no more") {
  auto set = poll_set::create().value();
  const auto first = make_event();
  const auto second = make_event();
  REQUIRE(set.add(first.get(), 1).has_value());
  set.set_quiet(true);
  REQUIRE(set.add(second.get(), 2).has_value());
  signal(first);
  signal(second);
  CHECK_FALSE(is_readable(set));
  CHECK(set.drain().empty());
  set.set_quiet(false);
  CHECK(is_readable(set));
  CHECK(set.drain().size() == 2);
  CHECK(set.drain().empty());
  signal(second);
  CHECK(set.drain().size() == 1);
}

TEST_CASE("a removed descriptor is silent and an unknown one cannot be removed") {
  auto set = poll_set::create().value();
  const auto event = make_event();
  REQUIRE(set.add(event.get(), 1).has_value());
  REQUIRE(set.remove(event.get()).has_value());
  signal(event);
  CHECK_FALSE(is_readable(set));
  CHECK(set.drain().empty());
  CHECK(set.remove(event.get()).has_error());
}

TEST_CASE("a descriptor cannot be watched twice, nor a closed one") {
  auto set = poll_set::create().value();
  const auto event = make_event();
  REQUIRE(set.add(event.get(), 1).has_value());
  const auto twice = set.add(event.get(), 2);
  REQUIRE(twice.has_error());
  CHECK(twice.error().message() ==
        "watch descriptor " + std::to_string(event.get()) + ": File exists");
  CHECK(set.add(-1, 3).has_error());
}

TEST_CASE("an error on a descriptor is told apart, and taking it clears it") {
  auto set = poll_set::create().value();
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  const base::unique_fd ours(pair[0]);
  base::unique_fd other(pair[1]);
  REQUIRE(set.add(ours.get(), 5).has_value());
  CHECK_FALSE(captured::capture::take_error(ours.get()));
  // Unread octets at the closing end reset the connection.
  REQUIRE(::write(ours.get(), "x", 1) == 1);
  other.reset();
  const auto events = set.drain();
  REQUIRE(events.size() == 1);
  CHECK(events[0].error);
  CHECK(captured::capture::take_error(ours.get()).value() == ECONNRESET);
  CHECK_FALSE(captured::capture::take_error(ours.get()));
}

TEST_CASE("asking what is no socket for its error gives an error") {
  CHECK(captured::capture::take_error(-1).value() == EBADF);
}
