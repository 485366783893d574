// SPDX-License-Identifier: MIT
//
// Corners of the readers that the foreign captures do not reach, and what callers can choose.
#include "capture_text.hpp"
#include "format/capture_reader.hpp"
#include "format/cooked_header.hpp"
#include "format/packet_sorter.hpp"
#include "octets.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::format;
using test::from_hex;
using test::octets;

namespace {

test::capture_text read(const octets& file, read_options options = {}) {
  capture_reader reader(std::span<const std::byte>(file), std::move(options));
  return test::text_of(reader);
}

std::string error_of(const octets& file, read_options options = {}) {
  return read(file, std::move(options)).error;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void add(octets& to, const octets& more) {
  to.insert(to.end(), more.begin(), more.end());
}

octets snoop_header() {
  return from_hex("73 6e 6f 6f 70 00 00 00 00 00 00 02 00 00 00 04");
}

/// Two interfaces, of which the second has another link type; packets in turn.
octets mixed_links() {
  octets file;
  append(file, section_header_block{});
  append(file, interface_description_block{});
  append(file, interface_description_block{.link = packet::link_type::raw_ip});
  const octets frame = test::arp_frame();
  for (std::uint32_t i = 0; i < 5; ++i) {
    test::append_packet(file, i % 2, test::view_of(frame));
  }
  return file;
}

octets section_of_version(std::uint16_t major) {
  octets file;
  append(file, section_header_block{});
  file[12] = static_cast<std::byte>(major);
  return file;
}

}  // namespace

TEST_CASE("what is known but not read is named") {
  CHECK(contains(error_of(from_hex("4d 3c 2b a1 02 00 04 00")), "Navtel"));
  CHECK(contains(error_of(from_hex("a1 b2 34 cd 00 02 00 04")), "Mesquita"));
  CHECK(contains(error_of(from_hex("12 cb e2 a1 02 00 04 00")), "netsniff-ng"));
  CHECK(contains(error_of(from_hex("cb c3 b2 a1 02 00 04 00")), "compiled filter"));
  CHECK(contains(error_of({}), "empty"));
  CHECK(contains(error_of(from_hex("00 01 02 03 04 05 06 07")), "no capture format"));
}

TEST_CASE("text-mode damage is named, whichever way line ends went") {
  for (const char* const begin :
       {"0a 0d 0a 1c 00 00 00 4d 3c 2b 1a", "0d 0a 0d 0d 0a 1c 00 00 00 4d 3c 2b 1a",
        "0d 0d 0a 1c 00 00 00 4d 3c 2b 1a", "0a 0a 0a 1c 00 00 00 4d 3c 2b 1a",
        "0a 0a 1c 00 00 00 4d 3c 2b 1a 01 00"}) {
    INFO(begin);
    CHECK(contains(error_of(from_hex(begin)), "text mode"));
  }
  CHECK(contains(error_of(from_hex("c3 94 c3 83 c2 b2 c2 a1")), "encoding"));
}

TEST_CASE("an IXIA file is read behind its longer header") {
  octets file = from_hex(
      "ac 01 00 1c 02 00 04 00 00 00 00 00 00 00 00 00 00 00 01 00 01 00 00 00 3a 00 00 00"
      "c0 0d 8c 5a 74 3b a4 0b 02 00 00 00 02 00 00 00 aa bb");
  const test::capture_text found = read(file);
  CHECK(found.error == "");
  REQUIRE(found.packets.size() == 1);
  CHECK(contains(found.packets[0], "time=1519128000195312500 captured=2"));
}

TEST_CASE("version 2.3 has its lengths in the order of their size") {
  const octets file = from_hex(
      "d4 c3 b2 a1 02 00 03 00 00 00 00 00 00 00 00 00 00 00 01 00 01 00 00 00"
      "01 00 00 00 00 00 00 00 05 00 00 00 02 00 00 00 aa bb"
      "01 00 00 00 00 00 00 00 02 00 00 00 05 00 00 00 aa bb");
  const test::capture_text found = read(file);
  CHECK(found.error == "");
  REQUIRE(found.packets.size() == 2);
  CHECK(contains(found.packets[0], "captured=2 original=5"));
  CHECK(contains(found.packets[1], "captured=2 original=5"));
}

TEST_CASE("reserved bits and FCS length of the link-type field of pcap") {
  octets file = from_hex("d4 c3 b2 a1 02 00 04 00 00 00 00 00 00 00 00 00 00 00 01 00 01 00 00 24");
  capture_reader reader{std::span<const std::byte>(file)};
  REQUIRE(reader.next() == capture_item::section);
  REQUIRE(reader.next() == capture_item::interface);
  CHECK(reader.interfaces()[0].description.fcs_bits == 32);
  file[22] = std::byte{1};
  CHECK(contains(error_of(file), "reserved bits"));
  CHECK(error_of(file, {.lenient = true}) == "");
}

TEST_CASE("no memory is taken for a length that cannot be") {
  CHECK(contains(
      error_of(from_hex("d4 c3 b2 a1 02 00 04 00 00 00 00 00 00 00 00 00 00 00 01 00 01 00 00 00"
                        "01 00 00 00 00 00 00 00 ff ff ff ff ff ff ff ff")),
      "not plausible"));
}

TEST_CASE("snoop records are stepped over by their length, and drops are differences") {
  octets file = snoop_header();
  add(file, from_hex("00 00 00 04 00 00 00 02 00 00 00 20 00 00 00 00 5a 8c 0d c0 00 02 fa f0"
                     "aa bb 00 00 00 00 00 00"));
  add(file, from_hex("00 00 00 02 00 00 00 02 00 00 00 1c 00 00 00 03 5a 8c 0d c1 00 00 00 01"
                     "aa bb 00 00"));
  capture_reader reader{std::span<const std::byte>(file)};
  while (reader.next() != capture_item::packet) {
  }
  CHECK(!reader.packet().dropcount);
  CHECK(reader.packet().original_length == 4);
  REQUIRE(reader.next() == capture_item::packet);
  CHECK(reader.packet().dropcount == 3);
  CHECK(to_decimal(reader.packet().time) == "1519128001000001000");
  CHECK(reader.next() == capture_item::end);

  octets wrong = snoop_header();
  wrong[15] = std::byte{16};
  CHECK(contains(error_of(wrong), "Fibre Channel"));
  wrong[11] = std::byte{3};
  CHECK(contains(error_of(wrong), "version 2"));
}

TEST_CASE("of mixed link types all, the first only, or an error") {
  const octets file = mixed_links();
  CHECK(read(file).packets.size() == 5);
  CHECK(read(file, {.link_types = link_type_choice::first_only}).packets.size() == 3);
  const test::capture_text enforced = read(file, {.link_types = link_type_choice::first_enforced});
  CHECK(enforced.packets.size() == 1);
  CHECK(contains(enforced.error, "link type 101"));
}

TEST_CASE("sections of an unknown version are an error, or left out") {
  octets file = mixed_links();
  octets unknown = section_of_version(2);
  append(unknown, interface_description_block{});
  add(file, unknown);
  add(file, mixed_links());
  CHECK(contains(error_of(file), "version 2.0"));
  std::uint64_t ends = 0;
  const test::capture_text found =
      read(file, {.skip_unknown_versions = true,
                  .on_section_end = [&](const capture_section&, auto interfaces) {
                    ++ends;
                    CHECK(interfaces.size() == 2);
                  }});
  CHECK(found.error == "");
  CHECK(found.packets.size() == 10);
  CHECK(found.sections.size() == 2);
  CHECK(ends == 2);
}

TEST_CASE("statistics are told when they come") {
  octets file = mixed_links();
  append(file, interface_statistics_block{.interface_id = 1, .os_drop = 7});
  std::uint64_t dropped = 0;
  static_cast<void>(
      read(file, {.on_statistics = [&](const capture_section&, const auto& statistics) {
             dropped += statistics.os_drop.value_or(0);
           }}));
  CHECK(dropped == 7);
}

TEST_CASE("lengths that are no multiple of 4 are read leniently, either way they are meant") {
  octets file;
  append(file, section_header_block{});
  append(file, interface_description_block{});
  // Trailer behind the padding, then trailer where the length says; both claim 17 octets.
  add(file, from_hex("03 00 00 00 11 00 00 00 01 00 00 00 aa 00 00 00 11 00 00 00"));
  add(file, from_hex("03 00 00 00 11 00 00 00 01 00 00 00 aa 11 00 00 00"));
  CHECK(contains(error_of(file), "multiple of 4"));
  const test::capture_text found = read(file, {.lenient = true});
  CHECK(found.error == "");
  CHECK(found.packets.size() == 2);
}

TEST_CASE("time resolutions are exact, rounded down, and refused when impossible") {
  const auto ns = [](std::uint8_t tsresol, std::uint64_t ticks, std::int64_t offset = 0) {
    const auto scale = tick_scale::make(tsresol, offset);
    return scale ? to_decimal(scale->to_ns(ticks)) : std::string("impossible");
  };
  CHECK(ns(9, 5) == "5");
  CHECK(ns(6, UINT64_MAX) == "18446744073709551615000");
  CHECK(ns(0, 7) == "7000000000");
  CHECK(ns(0x88, 388896768050) == "1519128000195312500");
  CHECK(ns(0x80 | 20, 1000000) == "953674316");
  CHECK(ns(0x80 | 33, 8000000000) == "931322574");
  CHECK(ns(19, UINT64_MAX) == "1844674407");
  CHECK(ns(0x80 | 63, UINT64_MAX) == "1999999999");
  CHECK(ns(6, 5, -10) == "-9999995000");
  CHECK(ns(20, 1) == "impossible");
  CHECK(ns(0x80 | 64, 1) == "impossible");
  const auto scale = tick_scale::make(6, -10).value();
  CHECK(scale.to_ticks(scale.to_ns(123456789)) == 123456789);
  CHECK(!scale.to_ticks(time_ns{-11} * 1'000'000'000));
}

TEST_CASE("cooked headers are those of the golden vectors, and turn into one another") {
  const octets frame = test::arp_frame();
  capture_packet packet;
  packet.data = frame;
  packet.original_length = 42;
  packet.link = packet::link_type::ethernet;
  cooked_converter to_sll(packet::link_type::linux_sll);
  REQUIRE(to_sll.convert(packet));
  const octets sll = from_hex("00 01 00 01 00 06 02 00 00 00 00 01 00 00 08 06");
  CHECK(octets(packet.data.begin(), packet.data.begin() + 16) == sll);
  CHECK(packet.original_length == 44);
  cooked_converter to_sll2(packet::link_type::linux_sll2);
  REQUIRE(to_sll2.convert(packet));
  CHECK(octets(packet.data.begin(), packet.data.begin() + 20) ==
        from_hex("08 06 00 00 00 00 00 00 00 01 01 06 02 00 00 00 00 01 00 00"));
  CHECK(packet.original_length == 48);
  packet.data = packet.data.first(19);
  CHECK(!to_sll.convert(packet));
}

TEST_CASE("old dietsniff logs have three fields in the order of their host") {
  sll_reader reader;
  const octets old = from_hex("04 00 01 00 06 00 02 00 00 00 00 01 77 88 08 00");
  const auto header = reader.read(old);
  REQUIRE(header);
  CHECK(header->packet_type == 4);
  CHECK(header->arphrd == 1);
  CHECK(header->address_length == 6);
  CHECK(header->address[6] == 0);  // what lay on the stack is ignored
  CHECK(header->protocol == 0x0800);
  // No length: the packet type decides; neither: as before.
  CHECK(reader.read(from_hex("03 00 04 03 00 00 00 00 00 00 00 00 00 00 08 00"))->arphrd == 772);
  CHECK(reader.read(from_hex("00 00 04 03 00 00 00 00 00 00 00 00 00 00 08 00"))->arphrd == 772);
  CHECK(reader.swapped() == 3);
  CHECK(reader.read(from_hex("00 00 03 04 00 06 02 00 00 00 00 01 00 00 08 00"))->arphrd == 772);
  CHECK(reader.swapped() == 3);
}

TEST_CASE("the sorter orders what is within its window and counts what is not") {
  std::vector<std::uint64_t> given;
  const auto sorted = [&](std::vector<std::uint64_t> times, std::size_t window) {
    given.clear();
    const auto note = [&](const auto& packet, std::uint32_t) {
      given.push_back(static_cast<std::uint64_t>(packet.time));
    };
    packet_sorter sorter(window, {.packet = note, .plain = note});
    capture_packet whole;
    plain_packet plain;
    const std::vector<std::byte> record(32);
    plain.record = record;
    for (const std::uint64_t time : times) {  // of both kinds
      whole.time = plain.time = time;
      time % 2 == 0 ? sorter.add(whole, 0) : sorter.add(plain, 0);
    }
    sorter.flush();
    return sorter.out_of_window();
  };
  CHECK(sorted({3, 1, 2, 6, 5, 4, 9, 8, 7}, 3) == 0);
  CHECK(given == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(sorted({2, 3, 4, 5, 6, 7, 8, 9, 1}, 2) == 1);
  CHECK(given.size() == 9);
  CHECK(sorted({}, 2) == 0);
}
