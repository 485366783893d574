// SPDX-License-Identifier: MIT
//
// Plain packets gone over many at a time are those that the reader gives one by one.
#include "capture_text.hpp"
#include "format/capture_reader.hpp"
#include "format/packet_run.hpp"
#include "octets.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::format;
using test::octets;

namespace {

void add_packet(octets& to, std::uint32_t id, std::uint64_t time, std::size_t length,
                const packet_block_extras& extras = {}, std::uint32_t flags = 0) {
  const octets data(length, std::byte{0x5A});
  packet::packet_view packet = test::view_of(data);
  packet.timestamp_ns = time;
  packet.original_length = static_cast<std::uint32_t>(length + 7);
  packet.packet_flags = flags;
  test::append_packet(to, id, packet, extras);
}

/// Two interfaces, the second of microseconds; 9 plain packets, and one with an option between.
octets mixed_file() {
  octets file;
  append(file, section_header_block{});
  append(file, interface_description_block{.name = "a"});
  append(file, interface_description_block{.name = "b", .tsresol = 6});
  for (std::uint64_t i = 0; i < 4; ++i) {
    add_packet(file, i % 2, i % 2 == 0 ? 5'000 + i : 6 + i, 10 + i, {},
               i == 3 ? packet::flags::inbound : 0);
  }
  add_packet(file, 0, 100, 20, {.queue = 1});
  for (std::uint64_t i = 0; i < 5; ++i) {
    add_packet(file, 0, 9'000 - i, 30);
  }
  return file;
}

packet_totals totals_of(const capture_packet& packet) {
  packet_totals one{.packets = 1,
                    .octets = packet.data.size(),
                    .original_octets = packet.original_length,
                    .steps_back = 0,
                    .first = packet.time,
                    .last = packet.time,
                    .earliest = packet.time,
                    .latest = packet.time,
                    .interfaces = {}};
  one.interfaces.resize(packet.interface_id + 1);
  one.interfaces.back() = {.packets = 1, .octets = packet.data.size()};
  return one;
}

packet_totals totals_one_by_one(std::span<const std::byte> file) {
  packet_totals sum;
  capture_reader reader(file);
  for (capture_item item = reader.next(); item != capture_item::end; item = reader.next()) {
    REQUIRE(item != capture_item::failed);
    if (item == capture_item::packet) {
      sum.add(totals_of(reader.packet()));
    }
  }
  return sum;
}

void check_same(const packet_totals& found, const packet_totals& expected) {
  CHECK(found.packets == expected.packets);
  CHECK(found.octets == expected.octets);
  CHECK(found.original_octets == expected.original_octets);
  CHECK(found.steps_back == expected.steps_back);
  CHECK(found.first == expected.first);
  CHECK(found.last == expected.last);
  CHECK(found.earliest == expected.earliest);
  CHECK(found.latest == expected.latest);
  REQUIRE(found.interfaces.size() == expected.interfaces.size());
  for (std::size_t id = 0; id < found.interfaces.size(); ++id) {
    CHECK(found.interfaces[id].packets == expected.interfaces[id].packets);
    CHECK(found.interfaces[id].octets == expected.interfaces[id].octets);
  }
}

/// The sums of a file, by runs where there are such; how many packets came in runs.
packet_totals totals_by_runs(capture_reader& reader, std::uint64_t& in_runs) {
  packet_totals sum;
  in_runs = 0;
  while (true) {
    packet_totals run;
    if (!reader.next_run(run).empty()) {
      in_runs += run.packets;
      sum.add(run);
      continue;
    }
    const capture_item item = reader.next();
    REQUIRE(item != capture_item::failed);
    if (item == capture_item::end) {
      return sum;
    }
    if (item == capture_item::packet) {
      sum.add(totals_of(reader.packet()));
    }
  }
}

}  // namespace

TEST_CASE("runs of packets add up to what the reader gives one by one") {
  const octets file = mixed_file();
  const packet_totals expected = totals_one_by_one(file);
  CHECK(expected.packets == 10);
  CHECK(expected.steps_back == 6);
  std::uint64_t in_runs = 0;
  capture_reader mapped{std::span<const std::byte>(file)};
  check_same(totals_by_runs(mapped, in_runs), expected);
  CHECK(in_runs == 9);
  for (const std::size_t at_once : {std::size_t{1}, std::size_t{61}, std::size_t{1000}}) {
    test::trickle_source source(file, at_once);
    capture_reader streamed(source);
    check_same(totals_by_runs(streamed, in_runs), expected);
  }
}

TEST_CASE("a run ends where it is told to, and its octets are the blocks") {
  const octets file = mixed_file();
  capture_reader reader{std::span<const std::byte>(file)};
  packet_totals none;
  CHECK(reader.next_run(none).empty());  // before the first item
  for (int i = 0; i < 3; ++i) {
    REQUIRE(reader.next() != capture_item::failed);
  }
  const std::uint64_t begin = reader.octets_read();
  packet_totals run;
  const auto first = reader.next_run(run, begin + 1);
  CHECK(run.packets == 1);
  CHECK(first.data() == file.data() + begin);
  CHECK(reader.octets_read() == begin + first.size());
  CHECK(reader.next_run(run, begin).empty());
  plain_packet one;
  REQUIRE(reader.next_plain(one));
  CHECK(one.interface_id == 1);
  CHECK(one.time == 7'000);
  CHECK(one.captured == 11);
  CHECK(one.original == 18);
  CHECK(one.record.data() == file.data() + begin + first.size());
}

TEST_CASE("what is not plain is left to the reader") {
  const octets frame = test::arp_frame();
  const auto plain_after = [&](byte_order order, interface_description_block description,
                               const octets& block) {
    octets file;
    append(file, section_header_block{}, order);
    append(file, description, order);
    file.insert(file.end(), block.begin(), block.end());
    capture_reader reader{std::span<const std::byte>(file)};
    static_cast<void>(reader.next());
    static_cast<void>(reader.next());
    packet_totals run;
    return !reader.next_run(run).empty();
  };
  octets good;
  test::append_packet(good, 0, test::view_of(frame));
  CHECK(plain_after(byte_order::little, {}, good));
  CHECK_FALSE(plain_after(byte_order::big, {}, good));
  CHECK_FALSE(plain_after(byte_order::little, {.snaplen = 41}, good));
  CHECK_FALSE(plain_after(byte_order::little, {.tsresol = 20}, good));
  octets cut(good.begin(), good.end() - 1);
  CHECK_FALSE(plain_after(byte_order::little, {}, cut));
  for (const std::size_t at : {0U, 4U, 8U, 20U, 24U}) {  // type, length, interface, lengths
    octets bad = good;
    bad[at] ^= std::byte{0x3F};
    CHECK_FALSE(plain_after(byte_order::little, {}, bad));
  }
  octets trailer = good;
  trailer.back() = std::byte{1};
  CHECK_FALSE(plain_after(byte_order::little, {}, trailer));
}

TEST_CASE("the beginning of blocks is guessed, also where the guess may be wrong") {
  const octets file = mixed_file();
  capture_reader reader{std::span<const std::byte>(file)};
  for (int i = 0; i < 3; ++i) {
    REQUIRE(reader.next() != capture_item::failed);
  }
  const std::uint64_t begin = reader.octets_read();
  const packet_run* const run = reader.run();
  REQUIRE(run != nullptr);
  const auto found = run->guess(std::span(file).subspan(begin - 8));
  REQUIRE(found.has_value());
  CHECK(*found == 8);
  CHECK_FALSE(run->guess(std::span(file).first(begin)).has_value());
}
