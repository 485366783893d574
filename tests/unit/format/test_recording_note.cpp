// SPDX-License-Identifier: MIT
#include "format/block_walker.hpp"
#include "format/pcapng_parse.hpp"
#include "format/recording_note.hpp"
#include "octets.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::format;
using test::octets;

namespace {

recording_note some_note() {
  recording_note note = test::first_note();
  note.sequence = 17;
  note.previous = "20180220T120000Z-main-16.pcapng";
  note.totals = {{"eth0", {.stored = 1, .osdrop = 2, .unwritten = 0xFFFFFFFFFFFFFFFF}},
                 {"w\xFFird \"name\"", {.stored = 3, .osdrop = 0, .unwritten = 0}}};
  note.untold = {{"eth0", 2}};
  return note;
}

}  // namespace

TEST_CASE("a recording note has the members of its layout") {
  recording_note note = test::first_note();
  note.totals["eth0"].stored = 1;
  CHECK(to_json(note) ==
        R"({"captured":1,"recording":"b2f0a9a4-3b0e-4b6e-9d55-0d3a1a6f8f10","output":"main",)"
        R"("sequence":1,"previous":null,"begun_ns":1519128000195312500,)"
        R"("totals":{"eth0":{"stored":1,"osdrop":0,"unwritten":0}}})");
}

TEST_CASE("notes come back as they were, names that are not UTF-8 as well") {
  CHECK(parse_recording_note(to_json(some_note())).value() == some_note());
  const end_note end{.reason = "recovered", .totals = some_note().totals, .lost_octets = 99};
  CHECK(parse_end_note(to_json(end)).value() == end);
}

TEST_CASE("unknown members of a note are ignored") {
  CHECK(parse_end_note(R"({"new":[1,{}],"reason":"stop","totals":{},"lost_octets":0})"
                       "   ")
            .value() == end_note{.reason = "stop", .totals = {}, .lost_octets = 0});
}

TEST_CASE("a note that is not as it should be fails and says where") {
  const auto why = [](std::string_view text) {
    return parse_recording_note(text).error().message();
  };
  CHECK(why(R"({"captured":2})") ==
        "recording note: its version 2 is not known here; a newer program is needed");
  CHECK(why(R"({"captured":1})") == "recording note: \"recording\" is missing");
  CHECK(why("[]") == "recording note: the text is not a JSON object");
  CHECK_FALSE(parse_recording_note("{").has_value());
  CHECK(why(R"({"captured":1,"recording":"a","output":"b","sequence":-1})") ==
        "recording note: \"sequence\" is not a whole number of at least 0");
  CHECK(why(R"({"captured":1,"recording":"a","output":"b","sequence":1,"previous":3})") ==
        "recording note: \"previous\" is not a string");
  CHECK(why(R"({"captured":1,"recording":"a","output":"b","sequence":1,"previous":null,)"
            R"("begun_ns":1,"totals":{"eth0":{"stored":1.5}}})") ==
        "recording note: \"eth0\" is wrong: \"stored\" is not a whole number of at least 0");
  CHECK(why(R"({"captured":1,"recording":"a","output":"b","sequence":1,"previous":null,)"
            R"("begun_ns":1,"totals":{},"untold":{"eth0":-1}})") ==
        "recording note: \"untold\" is wrong: \"eth0\" is not a whole number of at least 0");
}

TEST_CASE("a deeply nested note fails instead of overflowing the stack") {
  CHECK_FALSE(parse_end_note(std::string(100000, '[')).has_value());
}

TEST_CASE("the note travels in the section header and is found there") {
  section_header_block header;
  header.custom = {{option::custom_text_not_copyable, 4711, {}}, to_option(some_note()).value()};
  octets out;
  append(out, header);
  std::uint64_t left_out = 0;
  const auto back = parse_section_header(block_walker().next(out).block, left_out).value();
  CHECK_FALSE(recording_note_text(back.custom.at(0)));
  CHECK(parse_recording_note(recording_note_text(back.custom.at(1)).value()).value() ==
        some_note());
}

TEST_CASE("the beginning of a recording's file gives its note, any other octets give none") {
  section_header_block header;
  octets out;
  append(out, header);
  CHECK_FALSE(read_recording_note(out).has_value());
  CHECK_FALSE(read_recording_note({}).has_value());
  header.custom = {to_option(some_note()).value()};
  out.clear();
  append(out, header);
  CHECK(read_recording_note(out) == some_note());
  CHECK_FALSE(read_recording_note(std::span(out).first(out.size() - 4)).has_value());
  header.custom.front().value.back() = std::byte{'!'};  // no longer JSON
  out.clear();
  append(out, header);
  CHECK_FALSE(read_recording_note(out).has_value());
}

TEST_CASE("a note of too many interfaces for one option fails") {
  recording_note note = some_note();
  for (int i = 0; i < 2000; ++i) {
    note.totals["interface" + std::to_string(i)] = {};
  }
  CHECK(to_option(note).error().message() ==
        "recording note of main: there are too many interfaces for one option");
}

TEST_CASE("the end of a file is a custom block that is not copied, with text padded by spaces") {
  octets out;
  append(out, section_header_block{});
  const std::size_t at = out.size();
  const end_note end{.reason = "stop", .totals = {}, .lost_octets = 0};
  append(out, end);
  block_walker walker;
  REQUIRE(walker.next(out).what == block_walker::status::block);
  const auto step = walker.next(std::span(out).subspan(at));
  REQUIRE(step.what == block_walker::status::block);
  const auto block = parse_custom(step.block).value();
  const auto text = end_note_text(block, step.block.order);
  REQUIRE(text);
  CHECK(*text == R"({"reason":"stop","totals":{},"lost_octets":0})" + std::string(3, ' '));
  CHECK(parse_end_note(*text).value() == end);
}

TEST_CASE("fillers of every size are whole blocks of exactly that size") {
  for (std::size_t size = filler_bytes_min; size <= 64; size += 4) {
    octets out;
    append(out, section_header_block{});
    const std::size_t at = out.size();
    append_filler(out, size);
    REQUIRE(out.size() == at + size);
    block_walker walker;
    REQUIRE(walker.next(out).what == block_walker::status::block);
    const auto step = walker.next(std::span(out).subspan(at));
    REQUIRE(step.what == block_walker::status::block);
    CHECK(step.block.type == block_type::custom_not_copyable);
    const auto block = parse_custom(step.block).value();
    CHECK(block.pen == private_enterprise_number);
    CHECK(std::all_of(block.data.begin(), block.data.end(),
                      [](std::byte octet) { return octet == std::byte{0}; }));
    CHECK_FALSE(end_note_text(block, step.block.order));
  }
}

TEST_CASE("the head of a ring block becomes a block around what it holds") {
  octets head(48, std::byte{0xAB});
  encode_ring_block_head(head.data(), head.size());
  CHECK(octets(head.begin(), head.begin() + 16) ==
        test::from_hex("ad 0b 00 40 30 00 00 00 d9 7e 00 00 01 00 00 00"));
  CHECK(octets(head.begin() + 16, head.begin() + 44) == octets(28, std::byte{0xAB}));
  CHECK(octets(head.begin() + 44, head.end()) == test::from_hex("30 00 00 00"));
}
