// SPDX-License-Identifier: MIT
#include "format/block_walker.hpp"
#include "format/pcapng_blocks.hpp"
#include "format/pcapng_codes.hpp"
#include "format/pcapng_parse.hpp"
#include "octets.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::format;
using test::from_hex;
using test::octets;

namespace {

octets some_octets() {
  return from_hex("01 02 03 04 05");
}

section_header_block full_section_header() {
  section_header_block block;
  block.section_length = 0x0102030405060708;
  block.comments = {"first", "", "second line\r\nthird line"};
  block.hardware = "amd64";
  block.os = "Linux";
  block.application = "captured";
  block.custom = {{option::custom_binary_copyable, 4711, some_octets()},
                  {option::custom_text_not_copyable, private_enterprise_number, {}}};
  block.unknown = {{0x8123, some_octets()}};
  return block;
}

interface_description_block full_interface_description() {
  interface_description_block block;
  block.link = packet::link_type::linux_sll2;
  block.snaplen = 262144;
  block.name = "eth0";
  block.description = "uplink";
  block.filter = "not port 22";
  block.os = "Linux 6.1";
  block.hardware = "a card";
  block.ipv4_addresses = {{127, 0, 0, 1, 255, 255, 255, 0}, {10, 0, 0, 1, 255, 0, 0, 0}};
  block.ipv6_addresses = {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 64}};
  block.mac_address = {2, 0, 0, 0, 0, 1};
  block.eui_address = {2, 0, 0, 0, 0, 1, 2, 3};
  block.speed = 10'000'000'000;
  block.transmit_speed = 1;
  block.receive_speed = 2;
  block.tsresol = 0x8A;
  block.tsoffset = -3600;
  block.fcs_bits = 32;
  block.time_zone = "Europe/Berlin";
  block.comments = {"a change"};
  block.custom = {{option::custom_text_copyable, 1, some_octets()}};
  block.unknown = {{4000, some_octets()}};
  return block;
}

interface_statistics_block full_interface_statistics() {
  interface_statistics_block block;
  block.interface_id = 3;
  block.timestamp = test::golden_time_ns;
  block.start_time = 1;
  block.end_time = 0x0102030405060708;
  block.received = 10;
  block.dropped = 11;
  block.filter_accept = 12;
  block.os_drop = 13;
  block.user_deliver = 0xFFFFFFFFFFFFFFFF;
  block.comments = {"why"};
  block.custom = {{option::custom_binary_not_copyable, 5, some_octets()}};
  block.unknown = {{99, {}}};
  return block;
}

/// The only block behind a section header in `order`.
block_view block_in(const octets& file) {
  block_walker walker;
  const auto section = walker.next(file);
  REQUIRE(section.what == block_walker::status::block);
  const auto step = walker.next(std::span(file).subspan(section.block.total_bytes));
  REQUIRE(step.what == block_walker::status::block);
  REQUIRE(walker.offset() == file.size());
  return step.block;
}

template <class Block>
octets file_with(const Block& block, byte_order order) {
  octets file;
  append(file, section_header_block{}, order);
  append(file, block, order);
  return file;
}

}  // namespace

TEST_CASE("a section header has the octets of the golden vector") {
  section_header_block block;
  block.application = "gopacket";
  block.hardware = "amd64";
  block.os = "linux";
  octets out;
  append(out, block);
  CHECK(out == from_hex("0a 0d 0d 0a 44 00 00 00 4d 3c 2b 1a 01 00 00 00 ff ff ff ff ff ff ff ff"
                        "04 00 08 00 67 6f 70 61 63 6b 65 74 02 00 05 00 61 6d 64 36 34 00 00 00"
                        "03 00 05 00 6c 69 6e 75 78 00 00 00 00 00 00 00 44 00 00 00"));
}

TEST_CASE("an interface description has the octets of the golden vector") {
  interface_description_block block;
  block.snaplen = 0;
  block.name = "intf0";
  block.os = "linux";
  octets out;
  append(out, block);
  CHECK(out == from_hex("01 00 00 00 38 00 00 00 01 00 00 00 00 00 00 00 02 00 05 00 69 6e 74 66"
                        "30 00 00 00 0c 00 05 00 6c 69 6e 75 78 00 00 00 09 00 01 00 09 00 00 00"
                        "00 00 00 00 38 00 00 00"));
}

TEST_CASE("interface statistics have the octets of the golden vector") {
  interface_statistics_block block;
  block.timestamp = test::golden_time_ns;
  block.start_time = test::golden_time_ns;
  block.dropped = 1;
  block.received = 100;
  octets out;
  append(out, block);
  CHECK(out == from_hex("05 00 00 00 40 00 00 00 00 00 00 00 de 06 15 15 74 bb fd 13"
                        "02 00 08 00 de 06 15 15 74 bb fd 13"
                        "05 00 08 00 01 00 00 00 00 00 00 00"
                        "04 00 08 00 64 00 00 00 00 00 00 00"
                        "00 00 00 00 40 00 00 00"));
}

TEST_CASE("every member of the rare blocks is read back as it was written, in both byte orders") {
  const byte_order order = GENERATE(byte_order::little, byte_order::big);
  std::uint64_t left_out = 0;

  octets section;
  append(section, full_section_header(), order);
  block_walker walker;
  const auto step = walker.next(section);
  REQUIRE(step.what == block_walker::status::block);
  CHECK(step.block.order == order);
  CHECK(parse_section_header(step.block, left_out).value() == full_section_header());

  const octets described = file_with(full_interface_description(), order);
  CHECK(parse_interface_description(block_in(described), left_out).value() ==
        full_interface_description());

  const octets counted = file_with(full_interface_statistics(), order);
  CHECK(parse_interface_statistics(block_in(counted), left_out).value() ==
        full_interface_statistics());

  const custom_block custom{.copyable = true, .pen = 4711, .data = from_hex("01 02 03 04")};
  const octets customised = file_with(custom, order);
  CHECK(parse_custom(block_in(customised)).value() == custom);
  CHECK(left_out == 0);
}

TEST_CASE("blocks without options have no end marker and their least length") {
  octets out;
  append(out, section_header_block{});
  CHECK(out.size() == 28);
  append(out, interface_statistics_block{});
  CHECK(out.size() == 28 + 24);
}

TEST_CASE("a text that its length field cannot hold is cut, and the block stays whole") {
  section_header_block block;
  block.comments = {std::string(70000, 'x')};
  block.custom = {{option::custom_text_copyable, 1, octets(70000)}};
  octets out;
  append(out, block);
  block_walker walker;
  const auto step = walker.next(out);
  REQUIRE(step.what == block_walker::status::block);
  std::uint64_t left_out = 0;
  const auto back = parse_section_header(step.block, left_out).value();
  CHECK(back.comments.at(0).size() == 65535);
  CHECK(back.custom.at(0).value.size() == 65531);
  CHECK(left_out == 0);
}

TEST_CASE("an interface without if_tsresol counts microseconds") {
  const octets file = from_hex(
      "0a 0d 0d 0a 1c 00 00 00 4d 3c 2b 1a 01 00 00 00 ff ff ff ff ff ff ff ff 1c 00 00 00"
      "01 00 00 00 14 00 00 00 01 00 00 00 00 00 04 00 14 00 00 00");
  std::uint64_t left_out = 0;
  CHECK(parse_interface_description(block_in(file), left_out).value().tsresol == 6);
}

TEST_CASE("options of a wrong length, repeated, or out of the block are left out and counted") {
  // if_tsresol of 2 octets, if_name twice, a comment that claims 64 octets.
  const octets file = from_hex(
      "0a 0d 0d 0a 1c 00 00 00 4d 3c 2b 1a 01 00 00 00 ff ff ff ff ff ff ff ff 1c 00 00 00"
      "01 00 00 00 30 00 00 00 01 00 00 00 00 00 04 00"
      "09 00 02 00 09 09 00 00 02 00 01 00 61 00 00 00 02 00 01 00 62 00 00 00"
      "01 00 40 00 30 00 00 00");
  std::uint64_t left_out = 0;
  const auto block = parse_interface_description(block_in(file), left_out).value();
  CHECK(block.name == "a");
  CHECK(block.tsresol == 6);
  CHECK(block.comments.empty());
  CHECK(left_out == 3);
}

TEST_CASE("a section of another version fails, 1.2 is taken as 1.0") {
  octets out;
  append(out, section_header_block{});
  std::uint64_t left_out = 0;
  out[14] = std::byte{2};
  CHECK(parse_section_header(block_walker().next(out).block, left_out).has_value());
  out[14] = std::byte{1};
  CHECK(parse_section_header(block_walker().next(out).block, left_out).error().message() ==
        "block at offset 0: version 1.1 of the format is not known");
}
