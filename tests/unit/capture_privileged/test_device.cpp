// SPDX-License-Identifier: MIT
//
// What the kernel tells of devices, in a namespace where we know the answers.
#include <algorithm>

#include "capture/device.hpp"
#include "capture/device_counters.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"
#include "support/veth_pair.hpp"

namespace capture = captured::capture;
using captured::test::run;
using captured::test::veth_pair;

TEST_CASE("a device is described as it was set up") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  run("ip link set ring0 mtu 1400 address 02:00:00:00:00:07 alias 'uplink to the core'");
  const auto device = capture::find_device("ring0").value();
  CHECK(device.name == "ring0");
  CHECK(device.index > 0);
  CHECK(device.hardware_type == 1);
  CHECK_FALSE(device.loopback);
  CHECK(device.up);
  CHECK(device.running);
  CHECK(device.mtu == 1400);
  REQUIRE(device.mac.has_value());
  CHECK(device.mac->front() == std::byte{2});
  CHECK(device.mac->back() == std::byte{7});
  CHECK(device.speed_bits == 10'000'000'000u);
  CHECK(device.hardware == "veth");
  CHECK(device.description == "uplink to the core");
  CHECK(capture::link_type_of(device) == captured::packet::link_type::ethernet);

  run("ip link set send0 down");
  const auto unplugged = capture::find_device("ring0").value();
  CHECK(unplugged.up);
  CHECK_FALSE(unplugged.running);
}

TEST_CASE("loopback has neither address nor speed") {
  if (!veth_pair::make()) {
    return;
  }
  const auto device = capture::find_device("lo").value();
  CHECK(device.loopback);
  CHECK_FALSE(device.mac.has_value());
  CHECK_FALSE(device.speed_bits.has_value());
  CHECK(device.description.empty());
}

TEST_CASE("a device that is not there is an error that names it") {
  if (!veth_pair::make()) {
    return;
  }
  for (const std::string name : {"gone0", "a-name-longer-than-the-kernel-allows"}) {
    const auto device = capture::find_device(name);
    REQUIRE(device.has_error());
    CHECK(device.error().message() == "find " + name + ": No such device");
  }
  CHECK(capture::find_device("").has_error());
  run("ip link property add dev ring0 altname uplink0");
  CHECK(capture::find_device("uplink0").has_error());
}

TEST_CASE("the devices that are up are listed, the others are not") {
  if (!veth_pair::make()) {
    return;
  }
  run("ip link add idle0 type veth peer name idle1 && ip link set idle1 up");
  const auto devices = capture::devices_that_are_up().value();
  std::vector<std::string> names;
  for (const auto& device : devices) {
    names.push_back(device.name);
    CHECK(device.up);
  }
  std::ranges::sort(names);
  CHECK(names == std::vector<std::string>{"idle1", "lo", "ring0", "send0"});
}

TEST_CASE("a list longer than one message is complete") {
  if (!veth_pair::make()) {
    return;
  }
  for (int i = 0; i < 60; ++i) {
    const std::string number = std::to_string(i);
    run("ip link add many" + number + " up type veth peer name peer" + number);
  }
  CHECK(capture::devices_that_are_up().value().size() == 3 + 60);
}

TEST_CASE("glueing of received packets is seen") {
  if (!veth_pair::make()) {
    return;
  }
  run("ethtool -K ring0 gro off tso off gso off");
  const auto off = capture::offloads_of("ring0");
  CHECK_FALSE(off.glues_received());
  CHECK_FALSE(off.segmentation);
  run("ethtool -K ring0 gro on tso on gso on");
  const auto on = capture::offloads_of("ring0");
  CHECK(on.generic_receive);
  CHECK(on.glues_received());
  CHECK(on.segmentation);
  CHECK_FALSE(capture::offloads_of("gone0").glues_received());
}

TEST_CASE("a device's counters grow by what it received, in its own namespace") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  auto table = capture::device_counter_table::open().value();
  const auto before = table.read("ring0").value();
  for (std::uint32_t i = 0; i < 100; ++i) {
    pair->send(captured::test::numbered_frame(i, 64));
  }
  pair->settle();
  const auto after = table.read("ring0").value();
  CHECK(after.received - before.received == 100);
  // Nobody takes these frames in: above the device they are dropped, which it counts.
  CHECK(after.dropped >= before.dropped);
  run("ip link delete ring0");
  CHECK(table.read("ring0").has_error());
}
