// SPDX-License-Identifier: MIT
//
// Devices that are not Ethernet, with a real kernel behind them. PPP is a tun device that says it
// is PPP: kernel and libpcap go by that.
#include <array>
#include <cstring>

#include "base/bytes.hpp"
#include "capture/filter.hpp"
#include "support/catch.hpp"
#include "support/peer_capture.hpp"
#include "support/tun_device.hpp"
#include "support/veth_pair.hpp"

namespace base = captured::base;
namespace capture = captured::capture;
using captured::packet::link_type;
using captured::test::kept_packet;
using captured::test::open_ring;
using captured::test::run;
using captured::test::small_ring_options;
using captured::test::stop_and_drain;
using captured::test::tun_device;
using captured::test::udp_packet;
using captured::test::veth_pair;

namespace {

constexpr std::uint16_t hardware_ppp = 512;

capture::interface_options options_with(const std::string& filter) {
  auto options = small_ring_options();
  options.filter = filter;
  return options;
}

std::vector<std::byte> without(const kept_packet& packet, std::ptrdiff_t front) {
  return {packet.data.begin() + front, packet.data.end()};
}

/// One packet from the kernel's own stack out of the device.
void send_out_of(const std::string& device) {
  run("ip address replace 192.0.2.1/24 dev " + device +
      " && bash -c 'echo hello >/dev/udp/192.0.2.9/9' && ip address flush dev " + device);
}

/// How many of three packets pass: UDP from port 1, UDP from port 2 with 500 octets, ICMP.
std::size_t passing(const tun_device& tun, const capture::device& device,
                    const std::string& filter) {
  const auto ring = open_ring(device, options_with(filter));
  auto icmp = udp_packet(3, 100);
  icmp[9] = std::byte{1};
  tun.inject(udp_packet(1, 100));
  tun.inject(udp_packet(2, 500));
  tun.inject(icmp);
  return stop_and_drain(*ring).size();
}

}  // namespace

TEST_CASE("a tun device gives bare IP, both ways") {
  if (!veth_pair::make()) {
    return;
  }
  const auto tun = tun_device::make("tun0");
  if (!tun) {
    return;
  }
  const auto device = capture::find_device("tun0").value();
  CHECK(capture::link_type_of(device) == link_type::raw_ip);
  const auto ring = open_ring(device, small_ring_options());
  CHECK(ring->form() == capture::framing::bare);
  const auto sent = udp_packet(7, 333);
  tun->inject(sent);
  send_out_of("tun0");
  const auto kept = stop_and_drain(*ring);
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].data == sent);
  CHECK(kept[0].facts.original_length == 333);
  CHECK((kept[0].facts.packet_flags & 3u) == captured::packet::flags::inbound);
  CHECK(kept[1].data[0] == std::byte{0x45});
  CHECK(kept[1].data.size() == 20 + 8 + 6);
  CHECK((kept[1].facts.packet_flags & 3u) == captured::packet::flags::outbound);
}

TEST_CASE("a device of another kind gives cooked packets, both ways") {
  if (!veth_pair::make()) {
    return;
  }
  const auto ppp = tun_device::make("ppp0", hardware_ppp);
  if (!ppp) {
    return;
  }
  const auto device = capture::find_device("ppp0").value();
  CHECK(capture::link_type_of(device) == link_type::linux_sll);
  const auto ring = open_ring(device, small_ring_options());
  const auto sent = udp_packet(7, 333);
  ppp->inject(sent);
  send_out_of("ppp0");
  const auto kept = stop_and_drain(*ring);
  REQUIRE(kept.size() == 2);
  CHECK(without(kept[0], 16) == sent);
  CHECK(kept[0].facts.original_length == 349);
  const std::array<unsigned char, 16> in = {0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0};
  const std::array<unsigned char, 16> out = {0, 4, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0};
  CHECK(std::memcmp(kept[0].data.data(), in.data(), 16) == 0);
  CHECK(std::memcmp(kept[1].data.data(), out.data(), 16) == 0);
  CHECK(kept[1].data.size() == 16 + 20 + 8 + 6);
  CHECK(kept[1].data[16] == std::byte{0x45});
}

TEST_CASE("the snaplen counts the cooked header") {
  if (!veth_pair::make()) {
    return;
  }
  const auto ppp = tun_device::make("ppp0", hardware_ppp);
  if (!ppp) {
    return;
  }
  const auto device = capture::find_device("ppp0").value();
  for (const char* const filter : {"", "udp"}) {
    auto options = options_with(filter);
    options.snaplen = 60;
    const auto ring = open_ring(device, options);
    ppp->inject(udp_packet(7, 333));
    const auto kept = stop_and_drain(*ring);
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].data.size() == 60);
    CHECK(kept[0].facts.original_length == 349);
  }
  // Less than a header still keeps packets; the file's writer cuts what is too much.
  auto options = options_with("");
  options.snaplen = 4;
  const auto ring = open_ring(device, options);
  ppp->inject(udp_packet(7, 333));
  CHECK(stop_and_drain(*ring).size() == 1);
}

TEST_CASE("filters mean the same on Ethernet, bare IP and cooked packets") {
  if (!veth_pair::make()) {
    return;
  }
  const auto tun = tun_device::make("tun0");
  const auto ppp = tun_device::make("ppp0", hardware_ppp);
  const auto gre = tun_device::make("gre9", std::uint16_t{778});
  // Our table says bare IP as libpcap's does, though for another reason.
  const auto sit = tun_device::make("sit9", std::uint16_t{776});
  if (!tun || !ppp || !gre || !sit) {
    return;
  }
  const std::vector<std::pair<const tun_device*, std::string>> devices = {
      {&*tun, "tun0"}, {&*ppp, "ppp0"}, {&*gre, "gre9"}, {&*sit, "sit9"}};
  for (const auto& [device, name] : devices) {
    CAPTURE(name);
    const auto from = capture::find_device(name).value();
    CHECK(passing(*device, from, "") == 3);
    CHECK(passing(*device, from, "udp") == 2);
    CHECK(passing(*device, from, "icmp") == 1);
    CHECK(passing(*device, from, "udp src port 2") == 1);
    CHECK(passing(*device, from, "host 192.0.2.2 and not icmp") == 2);
    CHECK(passing(*device, from, "ip6") == 0);
    CHECK(passing(*device, from, "greater 400") == 1);
    CHECK(passing(*device, from, "inbound") == 3);
    CHECK(passing(*device, from, "outbound") == 0);
    CHECK(passing(*device, from, "ip[8] = 64 and udp") == 2);
  }
}

TEST_CASE("direction can be chosen on bare and on cooked devices") {
  if (!veth_pair::make()) {
    return;
  }
  const auto tun = tun_device::make("tun0");
  const auto ppp = tun_device::make("ppp0", hardware_ppp);
  if (!tun || !ppp) {
    return;
  }
  for (const auto& [device, name] :
       std::vector<std::pair<const tun_device*, std::string>>{{&*tun, "tun0"}, {&*ppp, "ppp0"}}) {
    for (const auto which : {capture::direction::in, capture::direction::out}) {
      auto options = options_with("udp");
      options.which = which;
      const auto ring = open_ring(capture::find_device(name).value(), options);
      device->inject(udp_packet(7, 333));
      send_out_of(name);
      const auto kept = stop_and_drain(*ring);
      REQUIRE(kept.size() == 1);
      CHECK((kept[0].facts.packet_flags & 3u) == (which == capture::direction::in ? 1u : 2u));
    }
  }
}

TEST_CASE("a filter that tests what the kernel cannot see is refused") {
  if (!veth_pair::make()) {
    return;
  }
  const auto ppp = tun_device::make("ppp0", hardware_ppp);
  if (!ppp) {
    return;
  }
  const auto device = capture::find_device("ppp0").value();
  const auto refused = capture::compile_filter(device, options_with("link[5] = 6"));
  REQUIRE(refused.has_error());
  CHECK(refused.error().message() ==
        "filter \"link[5] = 6\" on ppp0: tests what the kernel cannot see before a cooked header "
        "is made; of the header only packet type and protocol can be tested");
}

TEST_CASE("a filter for packets that libpcap takes for something else is refused") {
  if (!veth_pair::make()) {
    return;
  }
  const auto radio = tun_device::make("radio0", std::uint16_t{803});
  if (!radio) {
    return;
  }
  const auto device = capture::find_device("radio0").value();
  CHECK(capture::link_type_of(device) == link_type::linux_sll);
  CHECK(capture::compile_filter(device, options_with("")).has_value());
  const auto refused = capture::compile_filter(device, options_with("udp"));
  REQUIRE(refused.has_error());
  CHECK(refused.error().message() ==
        "filter \"udp\" on radio0: packets of link type IEEE802_11_RADIO cannot be filtered on "
        "this device");
}

TEST_CASE("a ring is not bound to a device that came back as something else") {
  if (!veth_pair::make()) {
    return;
  }
  std::unique_ptr<capture::packet_ring> ring;
  {
    const auto tun = tun_device::make("swap0");
    if (!tun) {
      return;
    }
    ring = open_ring(capture::find_device("swap0").value(), small_ring_options());
  }
  run("ip link add swap0 type veth peer name swap1 && ip link set swap0 up");
  const auto bound = ring->bind(capture::find_device("swap0").value());
  REQUIRE(bound.has_error());
  CHECK(bound.error().message() == "bind swap0: its packets have another link type now");
  run("ip link delete swap0");
  const auto tun = tun_device::make("swap0");
  REQUIRE(ring->bind(capture::find_device("swap0").value()).has_value());
  tun->inject(udp_packet(7, 333));
  CHECK(stop_and_drain(*ring).size() == 1);
}

TEST_CASE("cooked packets are octet for octet what libpcap writes") {
  if (!veth_pair::make()) {
    return;
  }
  const auto ppp = tun_device::make("ppp0", hardware_ppp);
  if (!ppp) {
    return;
  }
  auto peer = captured::test::peer_capture::start("ppp0");
  if (!peer) {
    return;
  }
  const auto ring = open_ring(capture::find_device("ppp0").value(), small_ring_options());
  for (std::uint16_t i = 0; i < 50; ++i) {
    ppp->inject(udp_packet(i, 40 + i * 20u, i));
  }
  for (int i = 0; i < 5; ++i) {
    send_out_of("ppp0");
  }
  const auto theirs = peer->stop();
  const auto ours = stop_and_drain(*ring);
  CHECK(theirs.link == link_type::linux_sll);
  REQUIRE(ours.size() == 55);
  REQUIRE(theirs.packets.size() == 55);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CHECK(ours[i].data == theirs.packets[i].data);
    CHECK(ours[i].facts.original_length == theirs.packets[i].original_length);
  }
}
