// SPDX-License-Identifier: MIT
//
// Rings that come up with what was asked for, or not at all and with a reason.
#include "capture/hardware_time.hpp"
#include "capture/packet_ring.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"
#include "support/veth_pair.hpp"

namespace capture = captured::capture;
using captured::test::open_ring;
using captured::test::small_ring_options;
using captured::test::veth_pair;

TEST_CASE("a ring that is opened promiscuous makes its device so, and ends it when it closes") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  auto options = small_ring_options();
  {
    const auto ring = open_ring(pair->ring_end(), options);
    captured::test::run("ip -d link show ring0 | grep -q 'promiscuity 1'");
  }
  captured::test::run("ip -d link show ring0 | grep -q 'promiscuity 0'");
  options.promiscuous = false;
  const auto ring = open_ring(pair->ring_end(), options);
  captured::test::run("ip -d link show ring0 | grep -q 'promiscuity 0'");
}

TEST_CASE("a ring that the kernel cannot grant is an error that says so") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  auto options = small_ring_options();
  const auto why_not = [&] {
    const auto ring =
        capture::packet_ring::open(pair->ring_end(), options, capture::accept_all(1000));
    return ring ? "opened" : ring.error().message();
  };
  options.ring.size_bytes = std::uint64_t{64} << 40;
  options.ring.block_bytes = 1u << 20;
  CHECK(why_not() ==
        "open ring of 64 TiB on ring0: Cannot allocate memory: the kernel does not grant a ring of "
        "this size");
  options.ring.size_bytes = 5000;
  CHECK(why_not() ==
        "open ring of 5000 B on ring0: the size is not a multiple of the block, 1 MiB");
}

TEST_CASE("more blocks than the kernel can list are refused by it, in the same words") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  // Below what the machine has, so that the kernel itself is asked; its list of a million blocks
  // is more than it allocates in one piece, so that no memory is touched.
  auto options = small_ring_options();
  options.ring.size_bytes = std::uint64_t{4096} << 20;
  options.ring.block_bytes = 4096;
  const auto ring =
      capture::packet_ring::open(pair->ring_end(), options, capture::accept_all(1000));
  REQUIRE(ring.has_error());
  CHECK(ring.error().message() ==
        "open ring of 4 GiB on ring0: Cannot allocate memory: the kernel does not grant a ring of "
        "this size");
}

TEST_CASE("a device that is gone when the ring is bound is an error that names it") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  const auto device = pair->ring_end();
  captured::test::run("ip link delete ring0");
  auto options = small_ring_options();
  const auto promiscuous = capture::packet_ring::open(device, options, capture::accept_all(1));
  REQUIRE(promiscuous.has_error());
  CHECK(promiscuous.error().message() == "make ring0 promiscuous: No such device");
  options.promiscuous = false;
  const auto bound = capture::packet_ring::open(device, options, capture::accept_all(1));
  REQUIRE(bound.has_error());
  CHECK(bound.error().message() == "bind ring0: No such device");
}

TEST_CASE("a device without a clock is refused hardware time, and stamped by the system") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  for (const std::string name : {"ring0", "lo", "gone0"}) {
    const auto refused = capture::enable_hardware_time(name);
    REQUIRE(refused.has_error());
    CHECK(refused.error().message() ==
          "use hardware time of " + name +
              ": the device has no clock that stamps received packets");
  }
  // Whoever asks the ring for such stamps all the same gets the system's, and is told so.
  auto options = small_ring_options();
  options.stamps = capture::stamp_source::hardware;
  const auto ring = captured::test::open_ring(pair->ring_end(), options);
  pair->send(captured::test::numbered_frame(1, 64));
  pair->settle();
  const auto kept = captured::test::stop_and_drain(*ring);
  REQUIRE(kept.size() == 1);
  CHECK_FALSE(kept[0].facts.hardware_stamp);
  CHECK(kept[0].facts.timestamp_ns > 1'000'000'000'000'000'000u);
}
