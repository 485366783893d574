// SPDX-License-Identifier: MIT
//
// Messages laid out by hand as rtnetlink(7) gives them: ifinfomsg, then attributes of length, type
// and value, each at a multiple of four.
#include <cstring>
#include <string_view>

#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "base/bytes.hpp"
#include "capture/link_message.hpp"
#include "support/catch.hpp"

namespace base = captured::base;
namespace capture = captured::capture;

namespace {

class hand_laid_message {
 public:
  explicit hand_laid_message(std::uint16_t hardware_type, std::uint32_t flags) : octets(16) {
    base::store_native<std::uint16_t>(octets.data() + 2, hardware_type);
    base::store_native<std::int32_t>(octets.data() + 4, 42);
    base::store_native<std::uint32_t>(octets.data() + 8, flags);
  }
  hand_laid_message& attribute(std::uint16_t type, std::string_view value) {
    const std::size_t at = octets.size();
    octets.resize(base::align_up<std::size_t>(at + 4 + value.size(), 4));
    base::store_native(octets.data() + at, static_cast<std::uint16_t>(4 + value.size()));
    base::store_native(octets.data() + at + 2, type);
    std::memcpy(octets.data() + at + 4, value.data(), value.size());
    return *this;
  }
  std::vector<std::byte> octets;
};

hand_laid_message ethernet_message() {
  using namespace std::string_view_literals;
  return hand_laid_message(1, IFF_UP | IFF_RUNNING)
      .attribute(IFLA_IFNAME, "eth0\0"sv)
      .attribute(IFLA_MTU, "\xdc\x05\0\0"sv)
      .attribute(IFLA_ADDRESS, "\x02\0\0\0\0\x07"sv)
      .attribute(IFLA_IFALIAS, "uplink to the core\0"sv);
}

/// A message with its nlmsghdr before it, padded as in a datagram.
std::vector<std::byte> with_head(std::uint16_t type, const std::vector<std::byte>& body) {
  std::vector<std::byte> whole(16);
  base::store_native(whole.data(), static_cast<std::uint32_t>(16 + body.size()));
  base::store_native(whole.data() + 4, type);
  whole.insert(whole.end(), body.begin(), body.end());
  whole.resize(base::align_up<std::size_t>(whole.size(), 4));
  return whole;
}

std::vector<std::byte> joined(std::initializer_list<std::vector<std::byte>> messages) {
  std::vector<std::byte> all;
  for (const auto& message : messages) {
    all.insert(all.end(), message.begin(), message.end());
  }
  return all;
}

std::vector<std::byte> named(std::string_view name) {
  return hand_laid_message(1, IFF_UP).attribute(IFLA_IFNAME, name).octets;
}

}  // namespace

TEST_CASE("a link message gives name, index, state, MTU, address and alias") {
  const auto link = capture::parse_link(ethernet_message().octets);
  REQUIRE(link);
  CHECK(link->name == "eth0");
  CHECK(link->index == 42);
  CHECK(link->hardware_type == 1);
  CHECK(link->up);
  CHECK(link->running);
  CHECK_FALSE(link->loopback);
  CHECK(link->mtu == 1500);
  REQUIRE(link->mac);
  CHECK((*link->mac)[5] == std::byte{7});
  CHECK(link->description == "uplink to the core");
}

TEST_CASE("a link message tells which bridge or bond the device is a port of") {
  using namespace std::string_view_literals;
  const auto port = capture::parse_link(hand_laid_message(1, IFF_UP)
                                            .attribute(IFLA_MASTER, "\x09\0\0\0"sv)
                                            .attribute(IFLA_IFNAME, "eth1\0"sv)
                                            .octets);
  REQUIRE(port.has_value());
  CHECK(port->master == 9);
}

TEST_CASE("loopback has no address of its own and counts as Ethernet") {
  using namespace std::string_view_literals;
  const auto link = capture::parse_link(hand_laid_message(772, IFF_UP | IFF_LOOPBACK)
                                            .attribute(IFLA_ADDRESS, "\0\0\0\0\0\0"sv)
                                            .attribute(IFLA_IFNAME, "lo\0"sv)
                                            .octets);
  REQUIRE(link);
  CHECK(link->loopback);
  CHECK_FALSE(link->mac);
  CHECK(capture::link_type_of(*link) == captured::packet::link_type::ethernet);
}

TEST_CASE("hardware without Ethernet is bare IP or cooked, by its number") {
  using captured::packet::link_type;
  const std::vector<std::pair<std::uint16_t, link_type>> expected = {
      {1, link_type::ethernet},     // Ethernet
      {256, link_type::raw_ip},     // SLIP
      {768, link_type::raw_ip},     // IP in IP
      {776, link_type::raw_ip},     // IPv6 in IPv4
      {0xfffe, link_type::raw_ip},  // tun, WireGuard
      {512, link_type::linux_sll},  // PPP
      {778, link_type::linux_sll},  // GRE
      {769, link_type::linux_sll},  // in IPv6
      {803, link_type::linux_sll},  // radio
      {824, link_type::linux_sll},  // netlink
      {32, link_type::linux_sll},   // InfiniBand
  };
  for (const auto& [hardware_type, link] : expected) {
    CAPTURE(hardware_type);
    CHECK(capture::link_type_of({.hardware_type = hardware_type}) == link);
  }
}

TEST_CASE("a link message that is cut off anywhere is read to the cut") {
  const std::vector<std::byte> whole = ethernet_message().octets;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A copy of just this size, so that the address sanitizer sees a read behind it.
    const std::vector<std::byte> cut(whole.begin(),
                                     whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto link = capture::parse_link(cut);
    CHECK(link.has_value() == (size >= 16 + 4 + 5));
  }
}

TEST_CASE("an attribute shorter than its own head ends the reading") {
  auto message = ethernet_message();
  base::store_native<std::uint16_t>(message.octets.data() + 16, 0);
  CHECK_FALSE(capture::parse_link(message.octets));
}

TEST_CASE("a datagram gives its events in order, and nothing of other kinds") {
  const auto datagram =
      joined({with_head(RTM_NEWLINK, named("eth0")), with_head(RTM_NEWADDR, named("addr0")),
              with_head(NLMSG_NOOP, {}), with_head(RTM_DELLINK, named("eth1"))});
  std::vector<capture::link_event> events;
  REQUIRE(capture::parse_link_events(datagram, events).has_value());
  REQUIRE(events.size() == 2);
  CHECK(events[0].what == capture::link_event::kind::changed);
  CHECK(events[0].link.name == "eth0");
  CHECK(events[0].link.index == 42);
  CHECK(events[0].link.up);
  CHECK(events[1].what == capture::link_event::kind::removed);
  CHECK(events[1].link.name == "eth1");
}

TEST_CASE("what a bridge says of its ports and a driver of its radio is no event of the device") {
  auto of_bridge = named("port0");
  of_bridge[0] = std::byte{AF_BRIDGE};
  const auto of_radio = hand_laid_message(1, IFF_UP)
                            .attribute(IFLA_IFNAME, "wlan0")
                            .attribute(IFLA_WIRELESS, "scan done")
                            .octets;
  std::vector<capture::link_event> events;
  CHECK(capture::parse_link_events(
            joined({with_head(RTM_DELLINK, of_bridge), with_head(RTM_NEWLINK, of_bridge),
                    with_head(RTM_NEWLINK, of_radio)}),
            events)
            .has_value());
  CHECK(events.empty());
}

TEST_CASE("a datagram that is cut off anywhere keeps what is whole and says the rest is not") {
  const auto first = with_head(RTM_NEWLINK, named("eth0"));
  const auto whole = joined({first, with_head(RTM_DELLINK, named("eth1"))});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> cut(whole.begin(),
                                     whole.begin() + static_cast<std::ptrdiff_t>(size));
    std::vector<capture::link_event> events;
    const auto parsed = capture::parse_link_events(cut, events);
    CHECK(parsed.has_value() == (size == 0 || size == first.size()));
    CHECK(events.size() == (size >= first.size() ? 1 : 0));
  }
}

TEST_CASE("a message whose length is a lie is an error that says where") {
  for (const std::uint32_t length : {0u, 15u, 1000u, 0xffffffffu}) {
    auto lying = with_head(RTM_NEWLINK, named("eth1"));
    base::store_native(lying.data(), length);
    const auto first = with_head(RTM_NEWLINK, named("eth0"));
    std::vector<capture::link_event> events;
    const auto parsed = capture::parse_link_events(joined({first, lying}), events);
    REQUIRE(parsed.has_error());
    CHECK(parsed.error().message() ==
          "read device events: the message at octet 40 of 80 does not fit");
    CHECK(events.size() == 1);
  }
}
