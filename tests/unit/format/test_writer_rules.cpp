// SPDX-License-Identifier: MIT
//
// Rules of writing one by one: what a format cannot hold is cut, left out or changed as it should
// be, and counted.
#include "capture_text.hpp"
#include "format/capture_copier.hpp"
#include "format/capture_reader.hpp"
#include "format/cooked_header.hpp"
#include "format/pcap_writer.hpp"
#include "format/pcapng_writer.hpp"
#include "octets.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::format;
using test::from_hex;
using test::octets;

namespace {

void add(octets& to, const octets& more) {
  to.insert(to.end(), more.begin(), more.end());
}

octets to_pcap(const octets& file, pcap_writer& writer, const memory_sink& sink) {
  capture_reader reader{std::span<const std::byte>(file)};
  capture_copier copier(writer);
  for (capture_item item = reader.next(); item != capture_item::end; item = reader.next()) {
    copier.copy(reader, item);
  }
  REQUIRE(writer.flush().has_value());
  return sink.octets();
}

}  // namespace

TEST_CASE("the snap length of a pcap file cuts no packet of a later interface, and is never 0") {
  octets file;
  append(file, section_header_block{});
  append(file, interface_description_block{.snaplen = 40});
  append(file, interface_description_block{.snaplen = 96});
  const octets frame = test::arp_frame();
  test::append_packet(file, 1, test::view_of(frame));
  const auto snaplen_of = [](const octets& pcap) {
    return octets(pcap.begin() + 16, pcap.begin() + 20);
  };
  memory_sink sink;
  pcap_writer first(sink);
  octets limited = to_pcap(file, first, sink);
  CHECK(snaplen_of(limited) == from_hex("00 00 04 00"));
  // That of a pcap file goes for all of it, and stays.
  limited[18] = std::byte{0};
  for (const auto& [stated, kept] : {std::pair(96, "60 00 00 00"), std::pair(0, "00 00 04 00")}) {
    limited[16] = static_cast<std::byte>(stated);
    memory_sink copy;
    pcap_writer again(copy);
    CHECK(snaplen_of(to_pcap(limited, again, copy)) == from_hex(kept));
  }
}

TEST_CASE("packets longer than readers of pcap take are cut and counted") {
  octets file;
  append(file, section_header_block{});
  append(file, interface_description_block{});
  const octets large(262145);
  test::append_packet(file, 0, test::view_of(large));
  memory_sink sink;
  pcap_writer writer(sink);
  const octets pcap = to_pcap(file, writer, sink);
  capture_reader reader{std::span<const std::byte>(pcap)};
  const test::capture_text found = test::text_of(reader);
  CHECK(found.error == "");
  REQUIRE(found.packets.size() == 1);
  CHECK(found.packets[0].find("captured=262144 original=") != std::string::npos);
}

TEST_CASE("the last second that pcap can express is kept, the one after it is counted") {
  octets file;
  append(file, section_header_block{});
  append(file, interface_description_block{});
  const octets frame = test::arp_frame();
  packet::packet_view packet = test::view_of(frame);
  for (const std::uint64_t second : {std::uint64_t{UINT32_MAX}, std::uint64_t{1} << 32}) {
    packet.timestamp_ns = second * 1'000'000'000 + 5;
    test::append_packet(file, 0, packet);
  }
  memory_sink sink;
  pcap_writer writer(sink, {.resolution = pcap_resolution::nanoseconds});
  const octets pcap = to_pcap(file, writer, sink);
  CHECK(octets(pcap.begin() + 24, pcap.begin() + 32) == from_hex("ff ff ff ff 05 00 00 00"));
  CHECK(writer.counts().times_out_of_range == 1);
}

TEST_CASE("interfaces that one section describes alike stay apart where sections become one") {
  octets file;
  append(file, section_header_block{});
  for (int i = 0; i < 3; ++i) {
    append(file, interface_description_block{.name = i == 2 ? "eth1" : "eth0"});
  }
  const octets frame = test::arp_frame();
  for (std::uint32_t id = 0; id < 3; ++id) {
    test::append_packet(file, id, test::view_of(frame));
  }
  octets twice = file;
  add(twice, file);
  append(twice, interface_description_block{.name = "eth0"});  // a third one
  test::append_packet(twice, 3, test::view_of(frame));
  memory_sink sink;
  pcapng_writer writer(sink);
  shared_interfaces shared;
  capture_copier copier(writer, shared);
  capture_section section;
  section.format = capture_format::pcapng;
  writer.begin_section(section);
  capture_reader reader{std::span<const std::byte>(twice)};
  for (capture_item item = reader.next(); item != capture_item::end; item = reader.next()) {
    copier.copy(reader, item);
  }
  REQUIRE(writer.flush().has_value());
  capture_reader merged{std::span<const std::byte>(sink.octets())};
  std::vector<std::uint32_t> ids;
  for (capture_item item = merged.next(); item != capture_item::end; item = merged.next()) {
    if (item == capture_item::packet) {
      ids.push_back(merged.packet().interface_id);
    }
  }
  CHECK(ids == std::vector<std::uint32_t>{0, 1, 2, 0, 1, 2, 3});
  CHECK(merged.interfaces().size() == 4);
  CHECK(shared.left_out() == 0);
}

TEST_CASE("more interfaces than one section can have are left out and counted") {
  memory_sink sink;
  pcapng_writer writer(sink);
  shared_interfaces shared;
  capture_interface interface;
  shared_interfaces::uses uses;
  for (std::uint32_t n = 0; n < 65540; ++n) {
    interface.description.name = std::to_string(n);
    CHECK(shared.add(writer, interface, uses).has_value() == (n < 65536));
  }
  CHECK(shared.left_out() == 4);
}

TEST_CASE("a packet that no block of pcapng can hold is cut and counted") {
  // Link type D-Bus, for which pcap has records of up to 128 MiB.
  octets file = from_hex(
      "d4 c3 b2 a1 02 00 04 00 00 00 00 00 00 00 00 00 00 00 00 08 e7 00 00 00"
      "01 00 00 00 00 00 00 00 00 00 10 01 00 00 10 01");
  file.resize(file.size() + (17 << 20));
  memory_sink sink;
  pcapng_writer writer(sink);
  capture_reader reader{std::span<const std::byte>(file)};
  capture_copier copier(writer);
  for (capture_item item = reader.next(); item != capture_item::end; item = reader.next()) {
    REQUIRE(item != capture_item::failed);
    copier.copy(reader, item);
  }
  REQUIRE(writer.flush().has_value());
  CHECK(writer.counts().packets_cut == 1);
  capture_reader back{std::span<const std::byte>(sink.octets())};
  while (back.next() != capture_item::packet) {
  }
  CHECK(back.packet().data.size() > (16 << 20) - 128);
  CHECK(back.packet().original_length == 17 << 20);
  CHECK(back.next() == capture_item::end);
}

TEST_CASE("no snap length in a format other than pcapng becomes the most that readers take") {
  for (const bool pcap : {true, false}) {
    const octets file =
        pcap ? from_hex("d4 c3 b2 a1 02 00 04 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00")
             : from_hex("73 6e 6f 6f 70 00 00 00 00 00 00 02 00 00 00 04");
    memory_sink sink;
    pcapng_writer writer(sink);
    capture_reader reader{std::span<const std::byte>(file)};
    capture_copier copier(writer);
    for (capture_item item = reader.next(); item != capture_item::end; item = reader.next()) {
      copier.copy(reader, item);
    }
    REQUIRE(writer.flush().has_value());
    capture_reader back{std::span<const std::byte>(sink.octets())};
    CHECK(test::text_of(back).error == "");
    CHECK(back.interfaces()[0].description.snaplen == 262144);
  }
}

TEST_CASE("raw 802.3 frames are told from such with an LLC header in a cooked header") {
  for (const auto& [payload, protocol] : {std::pair("ff ff 00", 1), std::pair("aa aa 03", 4)}) {
    octets frame = from_hex("02 00 00 00 00 01 02 00 00 00 00 02 00 20");
    add(frame, from_hex(payload));
    capture_packet packet;
    packet.data = frame;
    packet.original_length = static_cast<std::uint32_t>(frame.size());
    cooked_converter converter(packet::link_type::linux_sll);
    REQUIRE(converter.convert(packet));
    CHECK(std::to_integer<int>(packet.data[15]) == protocol);
  }
}

TEST_CASE("unknown options that would need another byte order are left out and counted") {
  const octets octets_of_it = from_hex("01 02 03 04");
  for (const byte_order order : {byte_order::big, byte_order::little}) {
    octets file;
    append(file, section_header_block{.comments = {"kept"}}, byte_order::big);
    // As it would be read: a filter in octets, an option that nobody knows, and a comment.
    interface_description_block description{.comments = {"kept"}};
    description.unknown = {{11, from_hex("01 00 00 00")}, {4000, octets_of_it}};
    append(file, description, byte_order::big);
    add(file, from_hex("00 00 00 06 00 00 00 30 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
                       "00 00 00 00 00 01 00 01 61 00 00 00 0f a0 00 00 00 00 00 00 00 00 00 30"));
    memory_sink sink;
    pcapng_writer writer(sink, {.order = order});
    capture_reader reader{std::span<const std::byte>(file)};
    capture_copier copier(writer);
    for (capture_item item = reader.next(); item != capture_item::end; item = reader.next()) {
      REQUIRE(item != capture_item::failed);
      copier.copy(reader, item);
    }
    REQUIRE(writer.flush().has_value());
    const bool same = order == byte_order::big;
    CHECK(writer.counts().options == (same ? 0 : 2));
    CHECK(writer.counts().packet_options == (same ? 0 : 1));
    capture_reader back{std::span<const std::byte>(sink.octets())};
    const test::capture_text found = test::text_of(back);
    CHECK(found.error == "");
    CHECK(back.interfaces()[0].description.comments.size() == 1);
    CHECK(back.interfaces()[0].description.unknown.size() == (same ? 2 : 0));
  }
}

TEST_CASE("a block of nothing but empty options takes no memory for each of them") {
  octets file;
  append(file, section_header_block{});
  constexpr std::uint32_t count = 1'000'000;
  const std::uint32_t total = 20 + 4 * count;
  octets block(total);
  base::store_little(block.data(), std::uint32_t{1});
  base::store_little(block.data() + 4, total);
  base::store_little(block.data() + 8, std::uint16_t{1});
  for (std::uint32_t i = 0; i < count; ++i) {
    base::store_little(block.data() + 16 + 4 * i, std::uint16_t{4000});
  }
  base::store_little(block.data() + total - 4, total);
  add(file, block);
  capture_reader reader{std::span<const std::byte>(file)};
  CHECK(test::text_of(reader).error == "");
  CHECK(reader.interfaces()[0].description.unknown.size() == 65536);
  CHECK(reader.counts().options_left_out == count - 65536);
}
