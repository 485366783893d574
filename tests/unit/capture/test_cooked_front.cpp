// SPDX-License-Identifier: MIT
//
// Cooked headers made in place, in blocks laid out as a SOCK_DGRAM socket's: data at 96 octets
// from the frame's start, the sender's address at 48.
#include <cstring>
#include <vector>

#include <arpa/inet.h>
#include <linux/if_packet.h>

#include "base/bytes.hpp"
#include "capture/frame_cursor.hpp"
#include "support/catch.hpp"

namespace base = captured::base;
namespace capture = captured::capture;
namespace flags = captured::packet::flags;
using captured::packet::packet_view;

namespace {

constexpr std::size_t first = 48;
constexpr std::size_t data_offset = 96;
constexpr std::uint32_t length = 60;
constexpr std::size_t stride = 160;

class cooked_block {
 public:
  explicit cooked_block(std::uint32_t packet_count, std::uint16_t data_at = data_offset) {
    store(12, packet_count);
    store(16, std::uint32_t{first});
    for (std::uint32_t i = 0; i < packet_count; ++i) {
      const std::size_t at = frame(i);
      store(at, i + 1 == packet_count ? 0 : std::uint32_t{stride});
      store(at + 12, length);
      store(at + 16, length + 1000);
      base::store_native(octets.data() + at + 24, data_at);
      std::memset(octets.data() + at + data_at, 0x40 + static_cast<int>(i), length);
      sockaddr_ll address{};
      address.sll_family = AF_PACKET;
      address.sll_protocol = htons(0x86dd);
      address.sll_ifindex = 9;
      address.sll_hatype = 512;
      address.sll_pkttype = PACKET_OUTGOING;
      address.sll_halen = 6;
      std::memcpy(address.sll_addr, "\2\3\4\5\6\7\xaa\xbb", 8);
      set_address(i, address);
    }
  }
  static std::size_t frame(std::uint32_t i) { return first + i * stride; }
  void store(std::size_t at, std::uint32_t value) { base::store_native(octets.data() + at, value); }
  [[nodiscard]] sockaddr_ll address(std::uint32_t i) const {
    return base::load_native<sockaddr_ll>(octets.data() + frame(i) + 48);
  }
  void set_address(std::uint32_t i, const sockaddr_ll& address) {
    base::store_native(octets.data() + frame(i) + 48, address);
  }
  [[nodiscard]] capture::frame_cursor cursor(capture::framing form = capture::framing::cooked) {
    return capture::frame_cursor(octets, form);
  }

  std::vector<std::byte> octets = std::vector<std::byte>(1024);
};

std::vector<unsigned> head_of(const packet_view& packet, std::size_t count) {
  std::vector<unsigned> head;
  for (const std::byte octet : packet.data.first(count)) {
    head.push_back(std::to_integer<unsigned>(octet));
  }
  return head;
}

}  // namespace

TEST_CASE("a cooked header stands before each packet and counts in both lengths") {
  cooked_block block(3);
  auto cursor = block.cursor();
  packet_view packet;
  for (std::uint32_t i = 0; i < 3; ++i) {
    REQUIRE(cursor.next(packet));
    CHECK(packet.data.size() == length + 16);
    CHECK(packet.original_length == length + 1000 + 16);
    CHECK(head_of(packet, 16) ==
          std::vector<unsigned>{0, 4, 2, 0, 0, 6, 2, 3, 4, 5, 6, 7, 0, 0, 0x86, 0xdd});
    CHECK(packet.data[16] == static_cast<std::byte>(0x40 + i));
    CHECK(packet.data.back() == static_cast<std::byte>(0x40 + i));
    CHECK(packet.packet_flags == flags::outbound);
  }
  CHECK_FALSE(cursor.next(packet));
  CHECK_FALSE(cursor.damaged());
}

TEST_CASE("the frame's own head is left as it was: a block can be walked again") {
  cooked_block block(2);
  const auto before = block.octets;
  packet_view packet;
  for (auto cursor = block.cursor(); cursor.next(packet);) {
  }
  auto again = block.cursor();
  REQUIRE(again.next(packet));
  CHECK(head_of(packet, 2) == std::vector<unsigned>{0, 4});
  for (std::uint32_t i = 0; i < 2; ++i) {
    const auto at = static_cast<std::ptrdiff_t>(cooked_block::frame(i));
    CHECK(
        std::equal(block.octets.begin() + at, block.octets.begin() + at + 68, before.begin() + at));
  }
}

TEST_CASE("a removed tag stands between address and protocol") {
  cooked_block block(1);
  block.store(block.frame(0) + 20, TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID);
  block.store(block.frame(0) + 32, 0xe064);
  base::store_native<std::uint16_t>(block.octets.data() + block.frame(0) + 36, 0x88a8);
  auto cursor = block.cursor();
  packet_view packet;
  REQUIRE(cursor.next(packet));
  CHECK(packet.data.size() == length + 20);
  CHECK(packet.original_length == length + 1000 + 20);
  CHECK(head_of(packet, 21) == std::vector<unsigned>{0,    4,    2,    0,    0,    6,    2,
                                                     3,    4,    5,    6,    7,    0,    0,
                                                     0x88, 0xa8, 0xe0, 0x64, 0x86, 0xdd, 0x40});
  CHECK(packet.vlan.tpid == 0);
}

TEST_CASE("before bare IP there is neither header nor place for a tag") {
  cooked_block block(1);
  block.store(block.frame(0) + 20, TP_STATUS_VLAN_VALID);
  const auto before = block.octets;
  auto cursor = block.cursor(capture::framing::bare);
  packet_view packet;
  REQUIRE(cursor.next(packet));
  CHECK(packet.data.size() == length);
  CHECK(packet.original_length == length + 1000);
  CHECK(packet.vlan.tpid == 0);
  CHECK(block.octets == before);
}

TEST_CASE("an address longer than its field is cut, one that is absent is zeros") {
  cooked_block block(2);
  auto address = block.address(0);
  address.sll_halen = 20;
  block.set_address(0, address);
  address.sll_halen = 0;
  block.set_address(1, address);
  auto cursor = block.cursor();
  packet_view packet;
  REQUIRE(cursor.next(packet));
  CHECK(head_of(packet, 14) ==
        std::vector<unsigned>{0, 4, 2, 0, 0, 20, 2, 3, 4, 5, 6, 7, 170, 187});
  REQUIRE(cursor.next(packet));
  CHECK(head_of(packet, 14) == std::vector<unsigned>{0, 4, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("hostile block: no header is written where its frame has no room for one") {
  for (std::uint16_t data_at = 0; data_at < 100; ++data_at) {
    cooked_block block(1, 90);
    base::store_native(block.octets.data() + block.frame(0) + 24, data_at);
    const auto before = block.octets;
    auto cursor = block.cursor();
    packet_view packet;
    const bool shown = cursor.next(packet);
    CHECK(shown == (data_at >= 68 + 20));
    CHECK(cursor.damaged() == !shown);
    CHECK((shown || block.octets == before));
  }
}
