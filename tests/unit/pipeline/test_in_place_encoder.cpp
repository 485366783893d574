// SPDX-License-Identifier: MIT
//
// Ring blocks laid out as the kernel does, encoded in place, and read back with the project's own
// readers: they must hold what the compact encoder makes of the same blocks, and nothing else.
#include <algorithm>
#include <random>

#include "format/capture_reader.hpp"
#include "format/packet_options.hpp"
#include "format/recording_note.hpp"
#include "format/verification.hpp"
#include "pipeline/block_encoder.hpp"
#include "pipeline/in_place_encoder.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"

using namespace captured;
using pipeline::encode_in_place;
using pipeline::in_place_progress;
using pipeline::in_place_target;
using test::scripted_options;
using test::scripted_packet;
using test::scripted_source;
using octets = std::vector<std::byte>;

namespace {

constexpr std::uint32_t snaplen = 262144;
constexpr std::uint64_t begin_ns = 1'519'128'000'195'312'500;

struct seen_packet {
  std::uint64_t ticks = 0;
  std::uint32_t interface_id = 0;
  std::uint32_t original = 0;
  std::uint32_t flags = 0;
  std::uint64_t dropcount = 0;
  std::optional<std::uint32_t> queue;
  octets data;
  bool operator==(const seen_packet&) const = default;
};

struct seen_file {
  std::vector<seen_packet> packets;
  std::size_t statistics = 0;
  std::size_t custom = 0;
  octets rest;  ///< of the blocks, without the packets and what stands before them
};

octets file_of(std::span<const std::byte> blocks) {
  octets file;
  format::append(file, format::section_header_block{});
  format::append(file, format::interface_description_block{});
  file.insert(file.end(), blocks.begin(), blocks.end());
  return file;
}

/// Reads strictly; everything must be whole.
seen_file read(std::span<const std::byte> blocks) {
  const octets file = file_of(blocks);
  format::memory_source source(file);
  const auto report = format::verify_file("x.pcapng", source);
  CHECK(report.faults == 0);
  format::capture_reader reader(file);
  seen_file seen;
  seen.rest = octets(blocks.begin(), blocks.end());
  const std::size_t head = file.size() - blocks.size();
  for (;;) {
    switch (reader.next()) {
      case format::capture_item::packet: {
        const auto& one = reader.packet();
        CHECK((one.options_seen & format::option_bits::damaged) == 0);
        seen.packets.push_back({one.ticks,
                                one.interface_id,
                                one.original_length,
                                one.packet_flags,
                                one.dropcount.value_or(0),
                                format::options_of(one).queue,
                                {one.data.begin(), one.data.end()}});
        const auto at = static_cast<std::size_t>(one.record.data() - file.data()) - head;
        std::fill_n(seen.rest.begin() + static_cast<std::ptrdiff_t>(at),
                    format::packet_block_header_bytes + one.data.size(), std::byte{0});
        break;
      }
      case format::capture_item::statistics:
        ++seen.statistics;
        break;
      case format::capture_item::custom:
      case format::capture_item::other:
        ++seen.custom;
        break;
      case format::capture_item::failed:
        FAIL(reader.failure().message());
        return seen;
      case format::capture_item::end:
        CHECK(reader.counts().options_left_out == 0);
        return seen;
      default:
        break;
    }
  }
}

/// What the compact encoder makes of the block.
std::vector<seen_packet> compact(capture::block_lease lease, const in_place_target& target) {
  octets room(lease.memory().size() * 2);
  pipeline::block_in_work work(std::move(lease));
  std::uint64_t newest = 0;
  const auto done = work.encode(room, {target.interface_id, target.snaplen}, 1u << 20, newest);
  REQUIRE(done.block_ended);
  std::vector<seen_packet> packets = read(std::span(room).first(done.octets)).packets;
  if (!packets.empty()) {
    packets[0].dropcount = target.losses;
  }
  for (seen_packet& one : packets) {
    if (target.queue != format::no_queue) {
      one.queue = target.queue;
    }
  }
  return packets;
}

/// The same packets through two rings, whose memory was in use before.
class twin_rings {
 public:
  explicit twin_rings(const scripted_options& options) : one_(options), two_(options) {
    for (std::uint32_t i = 0; i < options.block_count; ++i) {
      produce({.timestamp_ns = begin_ns, .data = test::numbered_frame(0, 60)});
      retire();
      capture::block_lease(one_, *one_.try_take()).reset();
      capture::block_lease(two_, *two_.try_take()).reset();
    }
  }

  bool produce(const scripted_packet& packet) {
    return one_.produce(packet) & two_.produce(packet);
  }
  void retire() {
    one_.retire();
    two_.retire();
  }

  /// Encodes the next block in both ways and holds the results against each other.
  std::optional<in_place_progress> check_next(const in_place_target& target = {
                                                  .snaplen = snaplen}) {
    const auto index = one_.try_take();
    const auto other = two_.try_take();
    REQUIRE(index == other);
    if (!index) {
      return std::nullopt;
    }
    const auto expected = compact({two_, *other}, target);
    capture::block_lease lease(one_, *index);
    std::uint64_t newest = 0;
    const auto done = encode_in_place(lease.memory(), target, newest);
    CHECK(done.damaged == 0);
    if (expected.empty()) {  // retired without a packet, because the first one wants all of a block
      CHECK(done.octets == 0);
      CHECK(done.losses_left == target.losses);
      return done;
    }
    CHECK(done.losses_left == 0);
    CHECK(done.packets == expected.size());
    CHECK(done.octets % pipeline::write_alignment == 0);
    CHECK(done.octets - done.used < pipeline::write_alignment);
    CHECK((base::load_native<std::uint32_t>(lease.memory().data() + 8) & 1) == 1);
    CHECK(newest == expected.back().ticks);
    const auto seen = read(lease.memory().first(done.octets));
    CHECK(seen.packets == expected);
    CHECK(std::find(seen.rest.begin(), seen.rest.end(), scripted_source::poison) ==
          seen.rest.end());
    blocks_seen += 1;
    return done;
  }

  std::size_t blocks_seen = 0;

 private:
  scripted_source one_;
  scripted_source two_;
};

/// Octets that never look like those of a released block.
octets plain_frame(std::uint32_t number, std::size_t size) {
  octets frame(size);
  for (std::size_t i = 0; i < size; ++i) {
    frame[i] = static_cast<std::byte>(1 + (number * 7 + i) % 100);
  }
  return frame;
}

}  // namespace

TEST_CASE("a block encoded in place holds the packets that compact encoding gives, at every size") {
  for (std::size_t size = 0; size < 140; ++size) {
    twin_rings rings({.block_bytes = 4096});
    const octets frame = plain_frame(1, size);
    for (std::uint32_t i = 0; i < 3; ++i) {
      rings.produce({.timestamp_ns = begin_ns + i, .data = frame});
    }
    rings.retire();
    INFO("packets of " << size);
    const auto done = rings.check_next({.interface_id = 0, .snaplen = snaplen, .losses = 7});
    REQUIRE(done);
    CHECK(done->captured_octets == 3 * size);
    CHECK(done->octets == 4096);
  }
}

TEST_CASE("the last packet of a full block is closed within the block, however near its end",
          "[one-thread]") {
  // All distances between the last frame and the block's end, by a first frame of every size.
  for (const packet::vlan_tag tag : {packet::vlan_tag{}, packet::vlan_tag{0x8100, 100}}) {
    for (std::size_t first = 60; first < 1300; ++first) {
      twin_rings rings({.block_bytes = 4096});
      rings.produce({.timestamp_ns = begin_ns, .data = plain_frame(1, first), .vlan = tag});
      for (std::uint32_t i = 0; i < 4; ++i) {
        rings.produce(
            {.timestamp_ns = begin_ns + i, .data = plain_frame(i, 1000 - i), .vlan = tag});
      }
      INFO("first of " << first);
      REQUIRE(rings.check_next({.snaplen = snaplen, .queue = 3, .losses = 9}));
    }
  }
}

TEST_CASE("a single packet that fills its block keeps its drop count", "[one-thread]") {
  for (const packet::vlan_tag tag : {packet::vlan_tag{}, packet::vlan_tag{0x88a8, 0xffff}}) {
    for (std::size_t size = 3900; size < 4100; ++size) {
      twin_rings rings({.block_bytes = 4096});
      rings.produce({.timestamp_ns = begin_ns, .data = plain_frame(1, size), .vlan = tag});
      rings.retire();
      INFO("packet of " << size);
      while (rings.check_next({.snaplen = snaplen, .queue = 3, .losses = 1})) {
      }
      CHECK(rings.blocks_seen == 1);
    }
  }
}

TEST_CASE("what is left of the last page is filled, whether 0, 4, 8 octets or a whole block",
          "[one-thread]") {
  std::vector<bool> rests(4096 / 4);
  for (std::size_t size = 60; size < 60 + 4096; ++size) {
    twin_rings rings({.block_count = 2, .block_bytes = 16384});
    rings.produce({.timestamp_ns = begin_ns, .data = plain_frame(1, 100)});
    rings.produce({.timestamp_ns = begin_ns, .data = plain_frame(1, size)});
    rings.retire();
    INFO("last of " << size);
    const auto done = rings.check_next();
    REQUIRE(done);
    const std::size_t end = 104 + 184 + 28 + base::align_up<std::size_t>(size, 4) + 12 + 4;
    const std::size_t rest = done->octets - end;
    CHECK((rest < 16 ? done->used == done->octets : done->used == end));
    rests[rest / 4] = true;
  }
  CHECK(std::find(rests.begin(), rests.end(), false) == rests.end());
}

TEST_CASE("mixed packets, tags, link headers of odd length and short snap lengths all come right",
          "[one-thread]") {
  std::mt19937 random(1);
  const auto below = [&random](std::uint32_t end) {
    return static_cast<std::uint32_t>(random() % end);
  };
  for (int round = 0; round < 1500; ++round) {
    const std::uint32_t mac_length = round % 3 == 0 ? below(40) : 14;
    twin_rings rings({.block_count = 3,
                      .block_bytes = 4096u << below(3),
                      .reserve = round % 5 == 0 ? below(8) : 2,
                      .mac_length = mac_length});
    const in_place_target target{.interface_id = 0,
                                 .snaplen = round % 7 == 0 ? 1 + below(200) : snaplen,
                                 .queue = round % 2 == 0 ? format::no_queue : below(4),
                                 .losses = below(2) * 4 * below(250)};
    for (std::uint32_t i = 0; i < 40; ++i) {
      const std::uint32_t size = below(3) == 0 ? below(1600) : below(200);
      const bool tagged = below(3) == 0;
      rings.produce({.timestamp_ns = begin_ns + below(100),
                     .data = plain_frame(i, size),
                     .original_length = below(4) == 0 ? size + below(100) : 0,
                     .packet_type = static_cast<std::uint8_t>(below(8)),
                     .status = below(2) * TP_STATUS_CSUM_VALID,
                     .vlan = tagged ? packet::vlan_tag{0x8100, 0x2064} : packet::vlan_tag{}});
    }
    rings.retire();
    INFO("round " << round);
    while (rings.check_next(target)) {
    }
    CHECK(rings.blocks_seen > 0);
  }
}

TEST_CASE("statistics stand in the head where they have room") {
  octets statistics;
  format::append(statistics, format::interface_statistics_block{.interface_id = 0,
                                                                .timestamp = begin_ns,
                                                                .start_time = 1,
                                                                .received = 2,
                                                                .dropped = 3,
                                                                .filter_accept = 4,
                                                                .os_drop = 5});
  REQUIRE(statistics.size() == 88);
  for (const packet::vlan_tag tag : {packet::vlan_tag{}, packet::vlan_tag{0x8100, 100}}) {
    scripted_source source({.block_bytes = 4096});
    source.produce({.timestamp_ns = begin_ns, .data = plain_frame(1, 500), .vlan = tag});
    source.retire();
    capture::block_lease lease(source, *source.try_take());
    std::uint64_t newest = 0;
    const auto done =
        encode_in_place(lease.memory(), {.snaplen = snaplen, .statistics = statistics}, newest);
    const auto seen = read(lease.memory().first(done.octets));
    const bool has_room = tag.tpid == 0;
    CHECK(done.has_statistics == has_room);
    CHECK(seen.statistics == (has_room ? 1u : 0u));
    CHECK(seen.packets.size() == 1);
  }
}

TEST_CASE("steps back of the clock are counted, the step from the block before too") {
  scripted_source source({.block_bytes = 4096});
  for (const std::uint64_t at : {5u, 7u, 6u, 6u, 5u}) {
    source.produce({.timestamp_ns = at, .data = plain_frame(1, 60)});
  }
  source.retire();
  capture::block_lease lease(source, *source.try_take());
  std::uint64_t newest = 6;
  const auto done = encode_in_place(lease.memory(), {.snaplen = snaplen}, newest);
  CHECK(done.steps_back == 3);
  CHECK(newest == 5);
}

TEST_CASE("a block whose chain breaks gives the packets before the break, and stays whole") {
  scripted_source source({.block_bytes = 4096});
  for (std::uint32_t i = 0; i < 10; ++i) {
    source.produce({.timestamp_ns = begin_ns + i, .data = plain_frame(i, 60)});
  }
  source.retire();
  capture::block_lease lease(source, *source.try_take());
  base::store_native<std::uint32_t>(lease.memory().data() + 48 + 3 * 144, 0);
  std::uint64_t newest = 0;
  const auto done = encode_in_place(lease.memory(), {.snaplen = snaplen}, newest);
  CHECK(done.packets == 4);
  CHECK(done.damaged == 6);
  CHECK(read(lease.memory().first(done.octets)).packets.size() == 4);
}

TEST_CASE("a block without packets gives nothing to write and keeps the losses to be told") {
  octets block(4096);
  std::uint64_t newest = 3;
  const auto done = encode_in_place(block, {.snaplen = snaplen, .losses = 5}, newest);
  CHECK(done.octets == 0);
  CHECK(done.packets == 0);
  CHECK(done.losses_left == 5);
  CHECK(newest == 3);
}

TEST_CASE("a block is fit by its average packet, its framing, its alignment and the file's limit") {
  const auto fits = [](std::size_t size, const scripted_options& ring,
                       const pipeline::in_place_limits& limits,
                       capture::framing form = capture::framing::ethernet) {
    scripted_source source(ring);
    for (std::uint32_t i = 0; i < 4; ++i) {
      source.produce({.timestamp_ns = begin_ns, .data = plain_frame(i, size)});
    }
    source.retire();
    return pipeline::fits_in_place(source.block_memory(*source.try_take()), form, limits);
  };
  const scripted_options ring{.block_bytes = 8192};
  CHECK(fits(500, ring, {.average_packet_min = 400}));
  CHECK(fits(404, ring, {.average_packet_min = 400}));
  CHECK_FALSE(fits(390, ring, {.average_packet_min = 400}));
  CHECK(fits(60, ring, {.average_packet_min = 0}));
  CHECK(fits(500, ring, {.average_packet_min = 400, .packets_max = 4}));
  CHECK_FALSE(fits(500, ring, {.average_packet_min = 400, .packets_max = 3}));
  CHECK_FALSE(fits(500, ring, {.average_packet_min = 400}, capture::framing::bare));
  CHECK_FALSE(fits(500, ring, {.average_packet_min = 400}, capture::framing::cooked));
  CHECK_FALSE(fits(500, {.block_bytes = 8192, .mac_length = 13}, {.average_packet_min = 400}));
  CHECK_FALSE(pipeline::fits_in_place(octets(4096), capture::framing::ethernet, {}));
  CHECK_FALSE(pipeline::fits_in_place({}, capture::framing::ethernet, {}));
}
