// SPDX-License-Identifier: MIT
//
// Waking up for blocks, and devices that go and come back.
#include <chrono>
#include <thread>

#include <poll.h>
#include <sys/socket.h>

#include "capture/packet_ring.hpp"
#include "capture/poll_set.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"
#include "support/veth_pair.hpp"

namespace capture = captured::capture;
using captured::test::numbered_frame;
using captured::test::open_ring;
using captured::test::small_ring_options;
using captured::test::stop_and_drain;
using captured::test::veth_pair;
using std::chrono::milliseconds;

namespace {

bool wait_for(int fd, milliseconds longest) {
  pollfd wanted{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, static_cast<int>(longest.count())) == 1;
}

}  // namespace

TEST_CASE("each new block wakes the set, held blocks do not") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  const auto ring = open_ring(pair->ring_end(), small_ring_options());
  auto set = capture::poll_set::create().value();
  REQUIRE(set.add(ring->fd(), 7).has_value());
  for (std::uint32_t round = 0; round < 5; ++round) {
    pair->send(numbered_frame(round, 64));
    REQUIRE(wait_for(set.fd(), milliseconds(10'000)));
    const auto events = set.drain();
    REQUIRE(events.size() == 1);
    CHECK(events[0].id == 7);
    CHECK_FALSE(events[0].error);
    CHECK(ring->try_take() == round);
    // The socket itself would be readable the whole time.
    CHECK(wait_for(ring->fd(), milliseconds(0)));
    CHECK_FALSE(wait_for(set.fd(), milliseconds(50)));
  }
}

TEST_CASE("a device that goes down is told once, and its frames come again when it is up") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  const auto ring = open_ring(pair->ring_end(), small_ring_options());
  auto set = capture::poll_set::create().value();
  REQUIRE(set.add(ring->fd(), 1).has_value());
  captured::test::run("ip link set ring0 down");
  REQUIRE(wait_for(set.fd(), milliseconds(10'000)));
  const auto events = set.drain();
  REQUIRE(events.size() == 1);
  CHECK(events[0].error);
  CHECK(capture::take_error(ring->fd()).value() == ENETDOWN);
  CHECK_FALSE(capture::take_error(ring->fd()));
  CHECK_FALSE(wait_for(set.fd(), milliseconds(50)));
  captured::test::run("ip link set ring0 up");
  captured::test::wait_for_carrier();
  pair->send(numbered_frame(1, 64));
  pair->settle();
  CHECK(stop_and_drain(*ring).size() == 1);
}

TEST_CASE("a ring is bound again to a device that was made anew, with its filter and its sums") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  auto options = small_ring_options();
  options.filter = "ether proto 0x88b5";
  const auto ring = open_ring(pair->ring_end(), options);
  pair->send(numbered_frame(1, 64));
  pair->settle();
  captured::test::run(
      "ip link delete ring0 && "
      "ip link add send0 type veth peer name ring0 && "
      "ip link set send0 arp off up && ip link set ring0 arp off up");
  captured::test::wait_for_carrier();
  CHECK(capture::take_error(ring->fd()).value() == ENETDOWN);
  REQUIRE(ring->bind(pair->ring_end()).has_value());
  captured::test::run("ip -d link show ring0 | grep -q 'promiscuity 1'");
  const auto sender = captured::test::open_sender("send0");
  auto rejected = numbered_frame(2, 64);
  rejected[13] = std::byte{0};
  const auto accepted = numbered_frame(3, 64);
  REQUIRE(::send(sender.get(), rejected.data(), rejected.size(), 0) == 64);
  REQUIRE(::send(sender.get(), accepted.data(), accepted.size(), 0) == 64);
  captured::test::wait_for_received("ring0", 2);
  const auto kept = stop_and_drain(*ring);
  REQUIRE(kept.size() == 2);
  CHECK(captured::test::number_of(kept[0].data) == 1u);
  CHECK(captured::test::number_of(kept[1].data) == 3u);
  CHECK(ring->statistics().packets_total == 2);
}

TEST_CASE("a ring on a device that is down waits for it, and says so") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  captured::test::run("ip link set ring0 down");
  const auto device = pair->ring_end();
  CHECK_FALSE(device.up);
  const auto ring =
      capture::packet_ring::open(device, small_ring_options(), capture::accept_all(1000)).value();
  CHECK(capture::take_error(ring->fd()).value() == ENETDOWN);
  captured::test::run("ip link set ring0 up");
  captured::test::wait_for_carrier();
  pair->send(numbered_frame(1, 64));
  pair->settle();
  CHECK(stop_and_drain(*ring).size() == 1);
}
