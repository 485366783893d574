// SPDX-License-Identifier: MIT
//
// What a format cannot hold is counted, each kind by itself.
#include <functional>
#include <set>

#include "copying.hpp"
#include "format/block_appender.hpp"
#include "format/count_meaning.hpp"
#include "format/lpcap_writer.hpp"
#include "format/pcap_writer.hpp"
#include "format/pcapng_writer.hpp"
#include "octets.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::format;
using test::copy_all;
using test::from_hex;
using test::octets;

TEST_CASE("what a pcap file cannot hold is counted") {
  octets file;
  append(file, section_header_block{.comments = {"of the section"}});
  append(file, interface_description_block{.name = "eth0", .comments = {"of eth0"}});
  append(file, interface_description_block{.name = "eth1"});
  append(file, interface_description_block{.link = packet::link_type::raw_ip});
  const octets frame = test::arp_frame();
  packet::packet_view packet = test::view_of(frame);
  packet.packet_flags = packet::flags::inbound;
  packet.timestamp_ns += 1;
  test::append_packet(file, 0, packet, {.dropcount = 3, .queue = 2});
  test::append_packet(file, 2, test::view_of(frame));
  append(file, interface_statistics_block{});
  append_filler(file, 20);
  capture_reader reader{std::span<const std::byte>(file)};
  memory_sink sink;
  pcap_writer writer(sink);
  copy_all(reader, writer);
  const write_counts& counts = writer.counts();
  CHECK(counts.packets == 1);
  CHECK(counts.packets_left_out == 1);
  CHECK(counts.comments == 2);
  CHECK(counts.flags == 1);
  CHECK(counts.dropcounts == 1);
  CHECK(counts.packet_options == 1);
  CHECK(counts.interfaces_merged == 1);
  CHECK(counts.statistics == 1);
  CHECK(counts.custom == 1);
  CHECK(counts.interface_names == 2);
  CHECK(counts.times_cut == 1);
  CHECK(describe_losses(counts).size() == 10);
}

namespace {

/// One thing that pcap and lpcap cannot hold, and the count that tells of it.
struct one_loss {
  const char* key;
  std::function<void(octets&)> add;  ///< behind a section header
};

void add_eth0(octets& file, interface_description_block description = {}) {
  append(file, description);
  const octets frame = test::arp_frame();
  test::append_packet(file, 0, test::view_of(frame));
}

void add_packet_with(octets& file, const packet_block_extras& extras, std::uint32_t flags = 0) {
  append(file, interface_description_block{});
  const octets frame = test::arp_frame();
  packet::packet_view packet = test::view_of(frame);
  packet.packet_flags = flags;
  test::append_packet(file, 0, packet, extras);
}

/// A block of so many zeros of a type.
void add_block(octets& file, std::uint32_t type, const octets& body) {
  add_eth0(file);
  block_appender to(file, type, byte_order::little);
  to.padded(body);
  to.finish();
}

const std::vector<one_loss> losses{
    {"interface_names", [](octets& to) { add_eth0(to, {.name = "eth0"}); }},
    {"interface_descriptions", [](octets& to) { add_eth0(to, {.description = "uplink"}); }},
    {"interface_filters", [](octets& to) { add_eth0(to, {.filter = "tcp"}); }},
    {"interface_details", [](octets& to) { add_eth0(to, {.os = "Linux"}); }},
    {"interface_details", [](octets& to) { add_eth0(to, {.hardware = "card"}); }},
    {"interface_details", [](octets& to) { add_eth0(to, {.speed = 1000}); }},
    {"comments", [](octets& to) { add_eth0(to, {.comments = {"a"}}); }},
    {"flags", [](octets& to) { add_packet_with(to, {}, packet::flags::outbound); }},
    {"dropcounts", [](octets& to) { add_packet_with(to, {.dropcount = 7}); }},
    {"packet_options", [](octets& to) { add_packet_with(to, {.queue = 1}); }},
    {"times_rounded",
     [](octets& to) {
       // The ticks of the golden time, as so many 10^-12 s: not a whole nanosecond.
       packet::packet_view packet;
       const octets frame = test::arp_frame();
       packet = test::view_of(frame);
       packet.timestamp_ns += 1;
       append(to, interface_description_block{.tsresol = 12});
       test::append_packet(to, 0, packet);
     }},
    {"statistics",
     [](octets& to) {
       add_eth0(to);
       append(to, interface_statistics_block{});
     }},
    {"name_resolution", [](octets& to) { add_block(to, 4, from_hex("00 00 00 00")); }},
    {"secrets", [](octets& to) { add_block(to, 10, from_hex("4b 53 4c 54 00 00 00 00")); }},
    {"custom", [](octets& to) { add_block(to, 0xBAD, from_hex("d9 7e 00 00 01 02 03 04")); }},
    {"blocks", [](octets& to) { add_block(to, 0x80000001, from_hex("01 02 03 04")); }},
};

std::uint64_t count_named(const write_counts& counts, const std::string& key) {
  for (const auto& each : meanings_of(counts)) {
    if (each.key == key) {
      return counts.*each.count;
    }
  }
  FAIL("there is no count " << key);
  return 0;
}

template <class Writer>
void check_losses(const std::string& left_alone) {
  for (const one_loss& each : losses) {
    INFO(each.key);
    octets file;
    append(file, section_header_block{});
    each.add(file);
    capture_reader reader{std::span<const std::byte>(file)};
    memory_sink sink;
    Writer writer(sink);
    copy_all(reader, writer);
    CHECK(reader.failure().detail == "");
    CHECK(count_named(writer.counts(), each.key) == (each.key == left_alone ? 0 : 1));
    CHECK(describe_losses(writer.counts()).size() >= (each.key == left_alone ? 0 : 1));
  }
}

}  // namespace

TEST_CASE("each kind of thing that pcap or lpcap cannot hold has its own count") {
  check_losses<pcap_writer>("");
  check_losses<lpcap_writer>("");
  for (const section_header_block& header :
       {section_header_block{.hardware = "x86"}, section_header_block{.os = "Linux"},
        section_header_block{.application = "dumpcap"}}) {
    octets file;
    append(file, header);
    capture_reader reader{std::span<const std::byte>(file)};
    memory_sink sink;
    pcap_writer writer(sink);
    copy_all(reader, writer);
    CHECK(writer.counts().section_details == 1);
  }
}

TEST_CASE("what modified pcap has beyond pcap is counted by every writer") {
  const octets file = from_hex(
      "34 cd b2 a1 02 00 04 00 00 00 00 00 00 00 00 00 00 00 01 00 01 00 00 00"
      "c0 0d 8c 5a f0 fa 02 00 04 00 00 00 04 00 00 00 02 00 00 00 08 00 04 00 01 02 03 04");
  memory_sink sink;
  pcap_writer pcap(sink);
  lpcap_writer lpcap(sink);
  pcapng_writer pcapng(sink);
  for (capture_writer* const writer :
       {static_cast<capture_writer*>(&pcap), static_cast<capture_writer*>(&lpcap),
        static_cast<capture_writer*>(&pcapng)}) {
    capture_reader reader{std::span<const std::byte>(file)};
    copy_all(reader, *writer);
    CHECK(reader.format() == capture_format::pcap_modified);
    CHECK(writer->counts().modified_fields == 1);
  }
}

TEST_CASE("every count has a name of its own and words, but those that are no loss") {
  std::set<std::string> keys;
  for (const auto& each : meanings_of(write_counts{})) {
    CHECK(keys.insert(each.key).second);
    CHECK((each.text != nullptr || std::string(each.key) == "packets"));
  }
  for (const auto& each : meanings_of(read_counts{})) {
    CHECK(each.text != nullptr);
  }
}
