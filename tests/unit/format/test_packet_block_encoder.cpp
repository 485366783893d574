// SPDX-License-Identifier: MIT
#include <algorithm>
#include <map>

#include "format/block_walker.hpp"
#include "format/packet_block_encoder.hpp"
#include "format/pcapng_parse.hpp"
#include "octets.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::format;
using test::from_hex;
using test::octets;

namespace {

struct decoded_packet {
  packet_block_view view;
  octets data;
  std::map<std::uint16_t, std::uint64_t> options;
};

/// Encodes between two fences, checks that they stand, and reads the block back.
decoded_packet encode_and_read(const packet::packet_view& packet, const packet_block_extras& extras,
                               std::uint32_t snaplen) {
  constexpr std::size_t fence_bytes = 16;
  const std::size_t size = packet_block_bytes(packet, extras, snaplen);
  octets file;
  append(file, section_header_block{});
  const std::size_t at = file.size();
  octets room(fence_bytes + size + fence_bytes, std::byte{0xEE});
  REQUIRE(encode_packet_block(room.data() + fence_bytes, 7, packet, extras, snaplen) == size);
  const auto is_fence = [](std::byte octet) { return octet == std::byte{0xEE}; };
  CHECK(std::all_of(room.begin(), room.begin() + fence_bytes, is_fence));
  CHECK(std::all_of(room.end() - fence_bytes, room.end(), is_fence));
  file.insert(file.end(), room.begin() + fence_bytes, room.end() - fence_bytes);

  block_walker walker;
  REQUIRE(walker.next(file).what == block_walker::status::block);
  const auto step = walker.next(std::span(file).subspan(at));
  REQUIRE(step.what == block_walker::status::block);
  CHECK(step.block.total_bytes == size);
  const auto view = view_enhanced_packet(step.block);
  REQUIRE(view);
  decoded_packet decoded{*view, {view->data.begin(), view->data.end()}, {}};
  const std::size_t padding = base::align_up<std::size_t>(view->data.size(), 4) - view->data.size();
  for (std::size_t i = 0; i < padding; ++i) {
    CHECK(step.block.body[20 + view->data.size() + i] == std::byte{0});
  }
  option_cursor options = view->options;
  option_view each;
  while (options.next(each)) {
    decoded.options[each.code] = each.value.size() == 4
                                     ? base::load_little<std::uint32_t>(each.value.data())
                                     : base::load_little<std::uint64_t>(each.value.data());
  }
  CHECK_FALSE(options.damaged());
  return decoded;
}

octets counting(std::size_t size) {
  octets data(size);
  for (std::size_t i = 0; i < size; ++i) {
    data[i] = static_cast<std::byte>(i + 1);
  }
  return data;
}

using option_map = std::map<std::uint16_t, std::uint64_t>;

}  // namespace

TEST_CASE("a packet block has the octets of the golden vector") {
  const octets frame = test::arp_frame();
  octets out;
  test::append_packet(out, 0, test::view_of(frame));
  octets expected = from_hex(
      "06 00 00 00 4c 00 00 00 00 00 00 00 de 06 15 15 74 bb fd 13 2a 00 00 00 2a 00 00 00");
  expected.insert(expected.end(), frame.begin(), frame.end());
  const octets tail = from_hex("00 00 4c 00 00 00");
  expected.insert(expected.end(), tail.begin(), tail.end());
  CHECK(out == expected);
}

TEST_CASE("packets of every small length are read back as they were, padded with zeros") {
  for (std::size_t size = 0; size <= 70; ++size) {
    const octets data = counting(size);
    packet::packet_view packet = test::view_of(data);
    packet.packet_flags = size % 2 == 0 ? 0 : packet::flags::inbound;
    const decoded_packet back = encode_and_read(packet, {}, 262144);
    CHECK(back.data == data);
    CHECK(back.view.original_length == size);
    CHECK(back.view.interface_id == 7);
    CHECK(back.view.ticks == test::golden_time_ns);
  }
}

TEST_CASE("each option is written when there is something to say, and only then") {
  const octets data = counting(61);
  packet::packet_view packet = test::view_of(data);
  CHECK(encode_and_read(packet, {}, 262144).options.empty());
  packet.packet_flags = packet::flags::outbound | packet::flags::checksum_not_ready;
  CHECK(encode_and_read(packet, {}, 262144).options == option_map{{2, 0x202}});
  CHECK(encode_and_read(packet, {.dropcount = 1ull << 40}, 262144).options ==
        option_map{{2, 0x202}, {4, 1ull << 40}});
  CHECK(encode_and_read(packet, {.dropcount = 1, .queue = 0}, 262144).options ==
        option_map{{2, 0x202}, {4, 1}, {6, 0}});
  packet.packet_flags = 0;
  CHECK(encode_and_read(packet, {.dropcount = 0, .queue = 3}, 262144).options ==
        option_map{{6, 3}});
}

TEST_CASE("a removed VLAN tag stands behind the addresses again and counts in both lengths") {
  const octets data = counting(60);
  packet::packet_view packet = test::view_of(data);
  packet.original_length = 1000;
  packet.vlan = {.tpid = 0x88a8, .tci = 0xE123};
  const decoded_packet back = encode_and_read(packet, {}, 262144);
  octets expected = counting(60);
  const octets tag = from_hex("88 a8 e1 23");
  expected.insert(expected.begin() + 12, tag.begin(), tag.end());
  CHECK(back.data == expected);
  CHECK(back.view.original_length == 1004);
}

TEST_CASE("the tag of a packet that was cut before its place counts in the original length only") {
  const octets data = counting(11);
  packet::packet_view packet = test::view_of(data);
  packet.original_length = 60;
  packet.vlan = {.tpid = 0x8100, .tci = 5};
  const decoded_packet back = encode_and_read(packet, {}, 262144);
  CHECK(back.data == data);
  CHECK(back.view.original_length == 64);
}

TEST_CASE("a packet is cut at any snaplen, through the tag as well") {
  const octets data = counting(40);
  packet::packet_view packet = test::view_of(data);
  packet.vlan = {.tpid = 0x8100, .tci = 0x0203};
  const octets whole = encode_and_read(packet, {}, 262144).data;
  REQUIRE(whole.size() == 44);
  for (std::uint32_t snaplen = 1; snaplen <= 45; ++snaplen) {
    const decoded_packet back = encode_and_read(packet, {}, snaplen);
    const std::size_t kept = std::min<std::size_t>(snaplen, whole.size());
    CHECK(back.data == octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(kept)));
    CHECK(back.view.original_length == 44);
  }
}

TEST_CASE("an original length below the captured one is raised to it") {
  const octets data = counting(20);
  packet::packet_view packet = test::view_of(data);
  packet.original_length = 3;
  CHECK(encode_and_read(packet, {}, 262144).view.original_length == 20);
}

TEST_CASE("the room said to suffice for any packet does") {
  for (std::size_t size = 0; size < 40; ++size) {
    const octets data = counting(size);
    packet::packet_view packet = test::view_of(data);
    packet.packet_flags = 1;
    CHECK(packet_block_bytes(packet, {.dropcount = 1, .queue = 1}, 262144) ==
          packet_block_bytes_max(size));
  }
}
