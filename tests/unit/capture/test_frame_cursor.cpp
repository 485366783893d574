// SPDX-License-Identifier: MIT
//
// Blocks laid out by hand, offset by offset as packet(7) and linux/if_packet.h give them.
#include <algorithm>
#include <vector>

#include "capture/frame_cursor.hpp"
#include "support/catch.hpp"

namespace base = captured::base;
namespace capture = captured::capture;
namespace flags = captured::packet::flags;
using captured::packet::packet_view;

namespace {

constexpr std::size_t first = 48;
constexpr std::size_t data_offset = 84;
constexpr std::size_t block_bytes = 4096;

/// A block of frames with equal strides; fields can be spoilt afterwards.
class hand_laid_block {
 public:
  explicit hand_laid_block(std::uint32_t packet_count, std::uint32_t length = 60) {
    store(12, packet_count);
    store(16, static_cast<std::uint32_t>(first));
    base::store_native<std::uint64_t>(octets.data() + 24, 7);
    stride = base::align_up<std::size_t>(data_offset + length, 8);
    for (std::uint32_t i = 0; i < packet_count; ++i) {
      const std::size_t at = frame(i);
      store(at + 0, i + 1 == packet_count ? 0 : static_cast<std::uint32_t>(stride));
      store(at + 4, 1'519'128'000);
      store(at + 8, 195'312'500 + i);
      store(at + 12, length);
      store(at + 16, length + 4);
      store(at + 20, 1);
      base::store_native<std::uint16_t>(octets.data() + at + 24, data_offset);
      octets[at + data_offset] = static_cast<std::byte>(i);
    }
    store(20, static_cast<std::uint32_t>(frame(packet_count)));
  }

  [[nodiscard]] std::size_t frame(std::uint32_t i) const { return first + i * stride; }
  void store(std::size_t at, std::uint32_t value) { base::store_native(octets.data() + at, value); }
  [[nodiscard]] std::vector<packet_view> walk() {
    capture::frame_cursor cursor(octets);
    std::vector<packet_view> seen;
    for (packet_view packet; cursor.next(packet);) {
      seen.push_back(packet);
    }
    damaged = cursor.damaged();
    remaining = cursor.remaining();
    return seen;
  }

  std::vector<std::byte> octets = std::vector<std::byte>(block_bytes);
  std::size_t stride = 0;
  bool damaged = false;
  std::uint32_t remaining = 0;
};

}  // namespace

TEST_CASE("the cursor gives each packet with time, octets and both lengths, in order") {
  hand_laid_block block(5);
  const auto seen = block.walk();
  REQUIRE(seen.size() == 5);
  CHECK_FALSE(block.damaged);
  CHECK(block.remaining == 0);
  for (std::uint32_t i = 0; i < 5; ++i) {
    CHECK(seen[i].timestamp_ns == 1'519'128'000'195'312'500u + i);
    CHECK(seen[i].data.data() == block.octets.data() + block.frame(i) + data_offset);
    CHECK(seen[i].data.size() == 60);
    CHECK(seen[i].original_length == 64);
    CHECK(seen[i].packet_flags == (flags::inbound | flags::unicast));
    CHECK(seen[i].vlan.tpid == 0);
  }
}

TEST_CASE("the head of a block is read, and a block too short for one is empty") {
  hand_laid_block block(3);
  const auto head = capture::read_block_head(block.octets);
  CHECK(head.packet_count == 3);
  CHECK(head.first_frame_offset == 48);
  CHECK(head.used_bytes == 48 + 3 * 144);
  CHECK(head.sequence == 7);
  for (std::size_t size = 0; size < 48; ++size) {
    std::vector<std::byte> shorter(block.octets.begin(),
                                   block.octets.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(capture::read_block_head(shorter).packet_count == 0);
    packet_view packet;
    CHECK_FALSE(capture::frame_cursor(shorter).next(packet));
  }
}

TEST_CASE("a cursor without a block has no packets") {
  packet_view packet;
  capture::frame_cursor cursor;
  CHECK_FALSE(cursor.next(packet));
  CHECK_FALSE(cursor.damaged());
}

TEST_CASE("a copy of the cursor goes on where it was made") {
  hand_laid_block block(3);
  capture::frame_cursor cursor(block.octets);
  packet_view packet;
  REQUIRE(cursor.next(packet));
  capture::frame_cursor copy = cursor;
  REQUIRE(cursor.next(packet));
  REQUIRE(copy.next(packet));
  CHECK(packet.data[0] == std::byte{1});
  CHECK(copy.remaining() == 1);
}

TEST_CASE("a frame that was stepped over may be overwritten") {
  hand_laid_block block(3);
  capture::frame_cursor cursor(block.octets);
  packet_view packet;
  REQUIRE(cursor.next(packet));
  std::fill_n(block.octets.begin(), block.frame(1), std::byte{0xff});
  REQUIRE(cursor.next(packet));
  CHECK(packet.data[0] == std::byte{1});
}

TEST_CASE("direction and reception follow the packet type") {
  const std::pair<std::uint8_t, std::uint32_t> expected[] = {
      {0, flags::inbound | flags::unicast},
      {1, flags::inbound | flags::broadcast},
      {2, flags::inbound | flags::multicast},
      {3, flags::inbound | flags::promiscuous},
      {4, flags::outbound},
      {5, 0},
      {7, 0},
      {8, 0},
      {255, 0}};
  for (const auto& [type, word] : expected) {
    hand_laid_block block(1);
    block.octets[block.frame(0) + 58] = std::byte{type};
    INFO("packet type " << int{type});
    CHECK(block.walk().at(0).packet_flags == word);
  }
}

TEST_CASE("the offload bits of the status come out as packet flags") {
  const auto flags_for = [](std::uint32_t status) {
    hand_laid_block block(1);
    block.store(block.frame(0) + 20, status);
    return block.walk().at(0).packet_flags & ~(flags::direction_mask | flags::reception_mask);
  };
  CHECK(flags_for(1u) == 0);
  CHECK(flags_for(1u << 3) == flags::checksum_not_ready);
  CHECK(flags_for(1u << 7) == flags::checksum_valid);
  CHECK(flags_for(1u << 8) == flags::segmentation_offloaded);
  CHECK(flags_for(~0u) ==
        (flags::checksum_not_ready | flags::checksum_valid | flags::segmentation_offloaded));
}

TEST_CASE("a VLAN tag counts only when the status says so, with its own or the default TPID") {
  const auto tag_for = [](std::uint32_t status) {
    hand_laid_block block(1);
    block.store(block.frame(0) + 20, status);
    block.store(block.frame(0) + 32, 0xe064);
    base::store_native<std::uint16_t>(block.octets.data() + block.frame(0) + 36, 0x88a8);
    return block.walk().at(0).vlan;
  };
  CHECK(tag_for(1).tpid == 0);
  CHECK(tag_for(1u << 6).tpid == 0);
  CHECK(tag_for(1u << 4).tpid == 0x8100);
  CHECK(tag_for(1u << 4).tci == 0xe064);
  CHECK(tag_for(1u << 4 | 1u << 6).tpid == 0x88a8);
  CHECK(tag_for(1u << 4 | 1u << 6).tci == 0xe064);
}

TEST_CASE("hostile block: a count too high ends at the last frame and says how many are missing") {
  hand_laid_block block(3);
  block.store(12, 1000);
  CHECK(block.walk().size() == 3);
  CHECK(block.damaged);
  CHECK(block.remaining == 997);
}

TEST_CASE("hostile block: a first frame outside of the block or within its head is damage") {
  for (const std::uint32_t offset : {0u, 8u, 47u, 49u, 4095u, 4096u, 0x7ffffff8u, 0xfffffff8u}) {
    hand_laid_block block(2);
    block.store(16, offset);
    INFO("first frame at " << offset);
    CHECK(block.walk().empty());
    CHECK(block.damaged);
    CHECK(block.remaining == 2);
  }
}

TEST_CASE("hostile block: data that do not fit the block are never shown") {
  hand_laid_block block(2);
  SECTION("a length past the end of the block") {
    block.store(block.frame(1) + 12,
                static_cast<std::uint32_t>(block_bytes - block.frame(1) - data_offset + 1));
  }
  SECTION("a length that would wrap around") {
    block.store(block.frame(1) + 12, 0xffffffff);
  }
  SECTION("data that begin past the end of the block") {
    base::store_native<std::uint16_t>(block.octets.data() + block.frame(1) + 24, 0xffff);
  }
  SECTION("data that begin within the frame's own head") {
    base::store_native<std::uint16_t>(block.octets.data() + block.frame(1) + 24, 67);
  }
  CHECK(block.walk().size() == 1);
  CHECK(block.damaged);
  CHECK(block.remaining == 1);
}

TEST_CASE("data may end with the last octet of the block") {
  hand_laid_block block(2);
  const auto longest = static_cast<std::uint32_t>(block_bytes - block.frame(1) - data_offset);
  block.store(block.frame(1) + 12, longest);
  const auto seen = block.walk();
  REQUIRE(seen.size() == 2);
  CHECK(seen[1].data.size() == longest);
  CHECK_FALSE(block.damaged);
}

TEST_CASE("hostile block: a next frame that loops, overlaps, is crooked or outside ends the walk") {
  hand_laid_block block(3);
  const auto back_to_start = static_cast<std::uint32_t>(-static_cast<std::int64_t>(block.stride));
  for (const std::uint32_t distance : {0u, 8u, 136u, 145u, 4096u, back_to_start, 0xfffffff8u}) {
    block.store(block.frame(1), distance);
    INFO("distance " << distance);
    CHECK(block.walk().size() == 2);
    CHECK(block.damaged);
    CHECK(block.remaining == 1);
  }
}

TEST_CASE("hostile block: a next frame that is whole but not aligned is not taken") {
  // The last frame, moved by four octets: only its place is wrong.
  hand_laid_block block(3);
  const auto last = block.octets.begin() + static_cast<std::ptrdiff_t>(block.frame(2));
  const auto length = static_cast<std::ptrdiff_t>(block.stride);
  std::copy_backward(last, last + length, last + length + 4);
  block.store(block.frame(1), static_cast<std::uint32_t>(block.stride + 4));
  CHECK(block.walk().size() == 2);
  CHECK(block.damaged);
}

TEST_CASE("hostile block: a frame head that reaches over the end of the block is not read") {
  hand_laid_block block(2);
  block.store(block.frame(0), static_cast<std::uint32_t>(block_bytes - first - 64));
  CHECK(block.walk().size() == 1);
  CHECK(block.damaged);
}

TEST_CASE("hostile block: a block that is cut off anywhere is walked to the cut only") {
  hand_laid_block block(5);
  const std::vector<std::byte> whole = block.octets;
  for (std::size_t size = 0; size <= block.frame(5); ++size) {
    // A copy of just this size, so that the address sanitizer sees a read behind it.
    std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    capture::frame_cursor cursor(cut);
    packet_view packet;
    std::uint32_t count = 0;
    while (cursor.next(packet)) {
      REQUIRE(packet.data.data() + packet.data.size() <= cut.data() + cut.size());
      ++count;
    }
    CHECK(count + cursor.remaining() == (size < 48 ? 0u : 5u));
    CHECK(cursor.damaged() == (cursor.remaining() != 0));
  }
}

TEST_CASE("a stamp of the card is told from one of the system") {
  hand_laid_block block(2);
  block.store(block.frame(1) + 20, 1u << 31);  // TP_STATUS_TS_RAW_HARDWARE
  const auto seen = block.walk();
  REQUIRE(seen.size() == 2);
  CHECK_FALSE(seen[0].hardware_stamp);
  CHECK(seen[1].hardware_stamp);
}
