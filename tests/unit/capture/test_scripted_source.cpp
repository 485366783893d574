// SPDX-License-Identifier: MIT
//
// The tests' own ring, against the rules of the kernel's tpacket_rcv. How it compares with a real
// block is tested in capture_privileged.
#include "base/bytes.hpp"
#include "capture/frame_cursor.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"

namespace base = captured::base;
namespace capture = captured::capture;
using captured::packet::packet_view;
using captured::test::numbered_frame;
using captured::test::scripted_packet;
using captured::test::scripted_source;

namespace {

std::vector<packet_view> retire_and_walk(scripted_source& source) {
  source.retire();
  std::vector<packet_view> seen;
  capture::frame_cursor cursor(source.block_memory(source.try_take().value()));
  for (packet_view packet; cursor.next(packet);) {
    seen.push_back(packet);
  }
  CHECK_FALSE(cursor.damaged());
  return seen;
}

}  // namespace

TEST_CASE("a scripted packet comes out of the cursor as it went in") {
  scripted_source source;
  const auto frame = numbered_frame(5, 100);
  source.produce({.timestamp_ns = 1'519'128'000'195'312'500,
                  .data = frame,
                  .original_length = 1500,
                  .packet_type = PACKET_OUTGOING,
                  .status = TP_STATUS_CSUMNOTREADY,
                  .vlan = {.tpid = 0x88a8, .tci = 0x6064}});
  const auto seen = retire_and_walk(source);
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].timestamp_ns == 1'519'128'000'195'312'500);
  CHECK(captured::test::number_of(seen[0].data) == 5u);
  CHECK(seen[0].data.size() == 100);
  CHECK(seen[0].original_length == 1500);
  CHECK(seen[0].packet_flags ==
        (captured::packet::flags::outbound | captured::packet::flags::checksum_not_ready));
  CHECK(seen[0].vlan.tpid == 0x88a8);
  CHECK(seen[0].vlan.tci == 0x6064);
}

TEST_CASE("data lie where the kernel puts them for a reserve of 2 and of 0, and without a header") {
  const auto data_at = [](std::uint32_t reserve, std::uint32_t mac_length) {
    scripted_source source({.reserve = reserve, .mac_length = mac_length});
    const auto frame = numbered_frame(0, 62);
    source.produce({.data = frame});
    const auto seen = retire_and_walk(source);
    return seen.at(0).data.data() - source.block_memory(0).data() - 48;
  };
  CHECK(data_at(2, 14) == 84);
  CHECK(data_at(0, 14) == 82);
  CHECK(data_at(0, 0) == 96);
}

TEST_CASE("the snaplen cuts what is kept, not what is told of the length") {
  scripted_source source({.snaplen = 40});
  const auto frame = numbered_frame(7, 100);
  source.produce({.data = frame});
  const auto seen = retire_and_walk(source);
  CHECK(seen.at(0).data.size() == 40);
  CHECK(seen.at(0).original_length == 100);
  CHECK(captured::test::number_of(seen.at(0).data) == 7u);
}

TEST_CASE("a frame as large as a block is cut to it, behind a block that is handed over empty") {
  scripted_source source;
  // It does not end below the end even of a fresh block, so that one is closed first.
  const auto frame = numbered_frame(1, 5000);
  REQUIRE(source.produce({.data = frame}));
  REQUIRE(source.try_take() == 0u);
  CHECK(capture::read_block_head(source.block_memory(0)).packet_count == 0);
  const auto seen = retire_and_walk(source);
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].data.size() == 4096 - 48 - 84);
  CHECK(seen[0].original_length == 5000);
}

TEST_CASE("a timer without packets hands nothing over") {
  scripted_source source;
  source.retire();
  CHECK_FALSE(source.try_take());
}

TEST_CASE("the head of a block tells packets, octets used and a running number") {
  scripted_source source;
  const auto frame = numbered_frame(1, 60);
  for (std::uint64_t block = 1; block <= 6; ++block) {
    source.produce({.data = frame});
    source.produce({.data = frame});
    source.retire();
    const std::uint32_t index = source.try_take().value();
    const auto head = capture::read_block_head(source.block_memory(index));
    CHECK(head.packet_count == 2);
    CHECK(head.used_bytes == 48 + 2 * 144);
    CHECK(head.first_frame_offset == 48);
    CHECK(head.sequence == block);
    source.release(index);
  }
}

TEST_CASE("a frozen ring thaws with the timer or with the next packet") {
  scripted_source source({.block_count = 2});
  const auto frame = numbered_frame(1, 60);
  while (source.produce({.data = frame})) {
  }
  REQUIRE(source.try_take() == 0u);
  source.release(0);
  SECTION("timer") {
    source.retire();
  }
  SECTION("packet") {}
  CHECK(source.produce({.data = frame}));
}

TEST_CASE("a numbered frame is recognised cut short, and not when damaged") {
  auto frame = numbered_frame(0x01020304, 64);
  CHECK(captured::test::number_of(frame) == 0x01020304u);
  CHECK(captured::test::number_of(std::span(frame).first(18)) == 0x01020304u);
  CHECK_FALSE(captured::test::number_of(std::span(frame).first(17)));
  frame[40] = static_cast<std::byte>(~std::to_integer<unsigned>(frame[40]));
  CHECK_FALSE(captured::test::number_of(frame));
}
