// SPDX-License-Identifier: MIT
//
// Messages laid out by hand as rtnetlink(7) gives them: ifinfomsg, then attributes of length, type
// and value, each at a multiple of four.
#include <cstring>
#include <string_view>

#include <linux/if.h>
#include <linux/rtnetlink.h>

#include "base/bytes.hpp"
#include "capture/link_query.hpp"
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

TEST_CASE("loopback has no address of its own and counts as Ethernet") {
  using namespace std::string_view_literals;
  const auto link = capture::parse_link(hand_laid_message(772, IFF_UP | IFF_LOOPBACK)
                                            .attribute(IFLA_ADDRESS, "\0\0\0\0\0\0"sv)
                                            .attribute(IFLA_IFNAME, "lo\0"sv)
                                            .octets);
  REQUIRE(link);
  CHECK(link->loopback);
  CHECK_FALSE(link->mac);
  CHECK(capture::link_type_of(*link).value() == captured::packet::link_type::ethernet);
}

TEST_CASE("hardware that is not supported is refused by its number") {
  const auto link =
      capture::parse_link(hand_laid_message(512, IFF_UP).attribute(IFLA_IFNAME, "ppp0").octets);
  REQUIRE(link);
  const auto refused = capture::link_type_of(*link);
  REQUIRE(refused.has_error());
  CHECK(refused.error().message() == "capture on ppp0: link type 512 not supported yet");
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
