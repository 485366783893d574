// SPDX-License-Identifier: MIT
//
// What is read, written and read again keeps its meaning: over the corpus, and for each writer.
#include "capture_text.hpp"
#include "copying.hpp"
#include "format/compression.hpp"
#include "format/lpcap_writer.hpp"
#include "format/pcap_writer.hpp"
#include "format/pcapng_writer.hpp"
#include "octets.hpp"
#include "support/catch.hpp"
#include "whole_text.hpp"

using namespace captured;
using namespace captured::format;
using test::capture_text;
using test::copy_all;
using test::first_difference;
using test::from_hex;
using test::octets;
using test::whole_text;

namespace {

octets to_pcapng(std::span<const std::byte> from, std::optional<byte_order> order = {}) {
  capture_reader reader(from);
  memory_sink sink;
  pcapng_writer writer(sink, {.custom = copyability::keep_all, .order = order, .application = {}});
  copy_all(reader, writer);
  return sink.octets();
}

capture_text text_of(std::span<const std::byte> from, read_options options = {}) {
  capture_reader reader(from, options);
  return test::text_of(reader);
}

/// What formats without sections can keep of a packet.
test::lines plain(test::lines packets) {
  for (std::string& each : packets) {
    each.resize(std::min({each.size(), each.find(" section="), each.find(" ifindex=")}));
  }
  return packets;
}

/// Section lines without what a writer says anew.
test::lines without(test::lines all, const std::string& key) {
  for (std::string& each : all) {
    const std::size_t begin = each.find(" " + key + "=");
    if (begin != std::string::npos) {
      each.erase(begin, std::min(each.find(' ', begin + 1), each.size()) - begin);
    }
  }
  return all;
}

/// Calls `check` with each whole file of the corpus.
template <class Check>
void for_each_good_file(Check check) {
  const auto paths = test::expectation_paths();
  if (paths.empty()) {
    WARN("SKIPPED: the folder with foreign captures is not here (CAPTURED_CORPUS)");
  }
  for (const std::string& path : paths) {
    const test::expectation expected = test::read_expectation(path);
    if (expected.outcome == "ok") {
      INFO(expected.file);
      check(test::read_octets(std::string(CAPTURED_CORPUS) + "/" + expected.file));
    }
  }
}

bool times_fit_pcap(const octets& file) {
  capture_reader reader{std::span<const std::byte>(file)};
  for (capture_item item = reader.next(); item != capture_item::end; item = reader.next()) {
    if (item == capture_item::packet &&
        reader.packet().time >= time_ns{UINT32_MAX} * nanoseconds_per_second) {
      return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("the corpus written as pcapng, in either byte order, says all that it said") {
  for_each_good_file([](const octets& file) {
    capture_reader original{std::span<const std::byte>(file)};
    const whole_text before = test::whole_text_of(original);
    if (original.format() != capture_format::pcapng) {
      return;
    }
    for (const auto order : {byte_order::little, byte_order::big}) {
      capture_reader from{std::span<const std::byte>(file)};
      memory_sink sink;
      pcapng_writer writer(sink,
                           {.custom = copyability::keep_all, .order = order, .application = {}});
      copy_all(from, writer);
      capture_reader again{std::span<const std::byte>(sink.octets())};
      const whole_text after = test::whole_text_of(again);
      CHECK(after.error == before.error);
      CHECK(first_difference(after.known, before.known) == "");
      // What nobody understands may hold numbers: it stays in its byte order, or is counted.
      const write_counts& lost = writer.counts();
      if (lost.options + lost.packet_options + lost.blocks == 0) {
        CHECK(first_difference(after.unknown, before.unknown) == "");
      } else {
        CHECK(after.unknown.size() < before.unknown.size());
      }
    }
  });
}

TEST_CASE("numbers within options are put into the byte order of the copy") {
  octets file;
  append(file, section_header_block{}, byte_order::big);
  interface_description_block description;
  description.unknown = {{.code = 11,
                          .value = from_hex("01 00 28 00 00 00 00 00 0c"
                                            "00 15 01 02 00 00 08 00"),
                          .order = byte_order::big}};
  append(file, description, byte_order::big);
  // Verdicts: XDP 2, TC 1 with a large number, hardware octets; process 3 thread 4.
  const octets packet = from_hex(
      "00 00 00 06 00 00 00 58 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
      "00 00 00 00 00 07 00 09 02 00 00 00 00 00 00 00 02 00 00 00"
      "00 07 00 09 01 01 02 03 04 05 06 07 08 00 00 00"
      "00 07 00 03 00 aa bb 00 00 08 00 08 00 00 00 03 00 00 00 04"
      "00 00 00 00 00 00 00 58");
  file.insert(file.end(), packet.begin(), packet.end());
  capture_reader original{std::span<const std::byte>(file)};
  const whole_text before = test::whole_text_of(original);
  REQUIRE(before.error == "");
  REQUIRE(before.known.size() == 3);
  CHECK(before.known[1].find("program=40,0000,12;21,0102,2048;") != std::string::npos);
  CHECK(before.known[2].find("verdict=2/2 verdict=1/72623859790382856 verdict=0/aabb") !=
        std::string::npos);
  CHECK(before.known[2].find("process=3 thread=4") != std::string::npos);
  const octets swapped = to_pcapng(file, byte_order::little);
  capture_reader copy{std::span<const std::byte>(swapped)};
  CHECK(first_difference(test::whole_text_of(copy).known, before.known) == "");
  CHECK(copy.section().order == byte_order::little);
}

TEST_CASE("the corpus written as pcapng, in either byte order, means the same") {
  for_each_good_file([](const octets& file) {
    const capture_text before = text_of(file);
    for (const auto order : {std::optional<byte_order>(), std::optional(byte_order::little),
                             std::optional(byte_order::big)}) {
      const octets written = to_pcapng(file, order);
      const capture_text after = text_of(written);
      CHECK(after.error == "");
      CHECK(after.format == "pcapng");
      if (before.format != "pcapng") {
        CHECK(first_difference(plain(after.packets), plain(before.packets)) == "");
        continue;
      }
      const auto sections = [&](test::lines all) {
        return without(without(without(std::move(all), "length"), "version"), "order");
      };
      CHECK(first_difference(sections(after.sections), sections(before.sections)) == "");
      CHECK(first_difference(after.interfaces, before.interfaces) == "");
      CHECK(first_difference(after.statistics, before.statistics) == "");
      CHECK(first_difference(after.packets, before.packets) == "");
      CHECK(first_difference(after.custom, before.custom) == "");
      CHECK(first_difference(after.secrets, before.secrets) == "");
    }
  });
}

TEST_CASE("the corpus written as pcapng once more gives the same octets") {
  for_each_good_file([](const octets& file) {
    const octets once = to_pcapng(file);
    CHECK(to_pcapng(once) == once);
  });
}

TEST_CASE("the corpus written as pcap keeps packets, times and lengths, and counts the rest") {
  for_each_good_file([](const octets& file) {
    if (!times_fit_pcap(file)) {
      return;
    }
    // By link type, as a target that holds one.
    capture_reader whole{std::span<const std::byte>(file)};
    std::vector<packet::link_type> links;
    std::uint64_t packets = 0;
    for (capture_item item = whole.next(); item != capture_item::end; item = whole.next()) {
      packets += item == capture_item::packet ? 1u : 0u;
      if (item == capture_item::packet &&
          std::find(links.begin(), links.end(), whole.packet().link) == links.end()) {
        links.push_back(whole.packet().link);
      }
    }
    std::uint64_t written = 0;
    for (const packet::link_type link : links) {
      capture_reader reader{std::span<const std::byte>(file)};
      memory_sink sink;
      pcap_writer writer(sink,
                         {.resolution = pcap_resolution::nanoseconds, .snaplen = 0, .link = link});
      copy_all(reader, writer);
      written += writer.counts().packets;
      CHECK(writer.counts().packets + writer.counts().packets_left_out == packets);
      const capture_text after = text_of(sink.octets());
      CHECK(after.error == "");
      CHECK(after.format == "pcap-ns");
      if (links.size() == 1 && writer.counts().times_missing == 0) {
        CHECK(first_difference(plain(after.packets), plain(text_of(file).packets)) == "");
      }
    }
    CHECK(written == packets);
  });
}

TEST_CASE("pcap headers and records are those of the golden vectors") {
  octets file;
  append(file, section_header_block{});
  append(file, interface_description_block{.snaplen = 65536});
  const octets frame = test::arp_frame();
  test::append_packet(file, 0, test::view_of(frame));
  for (const bool nanoseconds : {false, true}) {
    const auto resolution =
        nanoseconds ? pcap_resolution::nanoseconds : pcap_resolution::microseconds;
    const auto another = nanoseconds ? pcap_resolution::microseconds : pcap_resolution::nanoseconds;
    capture_reader reader{std::span<const std::byte>(file)};
    memory_sink sink;
    pcap_writer writer(sink, {.resolution = resolution, .snaplen = 65536});
    copy_all(reader, writer);
    octets expected = test::from_hex(
        nanoseconds ? "4d 3c b2 a1 02 00 04 00 00 00 00 00 00 00 00 00 00 00 01 00 01 00 00 00"
                      "c0 0d 8c 5a 74 3b a4 0b 2a 00 00 00 2a 00 00 00"
                    : "d4 c3 b2 a1 02 00 04 00 00 00 00 00 00 00 00 00 00 00 01 00 01 00 00 00"
                      "c0 0d 8c 5a f0 fa 02 00 2a 00 00 00 2a 00 00 00");
    expected.insert(expected.end(), frame.begin(), frame.end());
    CHECK(sink.octets() == expected);
    const auto fits = [&](std::ptrdiff_t count, pcap_resolution wanted, packet::link_type link,
                          std::uint32_t snaplen) {
      memory_sink more;
      pcap_writer appending(
          more, {.resolution = wanted},
          {.name = "a.pcap", .header = {expected.begin(), expected.begin() + count}});
      capture_interface interface;
      interface.description.link = link;
      interface.description.snaplen = snaplen;
      appending.add_interface(interface);
      const bool done = appending.flush().has_value();
      CHECK(done != appending.failed());
      CHECK(more.octets().empty());
      return done;
    };
    CHECK(fits(24, resolution, packet::link_type::ethernet, 65536));
    CHECK(!fits(24, another, packet::link_type::ethernet, 65536));
    CHECK(!fits(24, resolution, packet::link_type::ethernet, 96));
    CHECK(!fits(24, resolution, packet::link_type::raw_ip, 65536));
    CHECK(!fits(20, resolution, packet::link_type::ethernet, 65536));
  }
}

TEST_CASE("lpcap with its sidecar keeps times, names and lengths; without it times are inferred") {
  octets file;
  append(file, section_header_block{});
  append(file, interface_description_block{.name = "eth0"});
  append(file, interface_description_block{.name = "eth1"});
  const octets frame = test::arp_frame();
  packet::packet_view packet = test::view_of(frame);
  const octets large(20000);
  test::append_packet(file, 1, packet);
  packet.timestamp_ns += 5'000'000'000;
  test::append_packet(file, 0, packet);
  packet.timestamp_ns -= 4'999'000'000;  // a clock that was set back
  test::append_packet(file, 0, packet);
  packet.timestamp_ns &= ~std::uint64_t{0xFFFFFFFF};  // its lower half may not be stored
  test::append_packet(file, 0, packet);
  packet.data = large;
  packet.original_length = 30000;
  test::append_packet(file, 0, packet);

  capture_reader reader{std::span<const std::byte>(file)};
  memory_sink sink;
  memory_sink sidecar;
  lpcap_writer writer(sink, &sidecar);
  copy_all(reader, writer);
  CHECK(writer.counts().packets_cut == 1);
  CHECK(writer.counts().times_out_of_range == 0);
  octets begin = test::from_hex("3e 4f 01 00 04 00 ff 3f 00 00 04 00 00 00");
  const octets record = test::from_hex("00 02 74 bb fd 13 2a 00 00 00");
  begin.insert(begin.end(), record.begin(), record.end());
  CHECK(octets(sink.octets().begin(), sink.octets().begin() + static_cast<long>(begin.size())) ==
        begin);

  memory_source sidecar_source(sidecar.octets());
  read_options options;
  options.lpcap_sidecar = &sidecar_source;
  capture_reader again(std::span<const std::byte>(sink.octets()), options);
  const capture_text before = text_of(file);
  const capture_text after = test::text_of(again);
  CHECK(after.error == "");
  REQUIRE(after.packets.size() == 5);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(plain(after.packets)[i] == plain(before.packets)[i]);
  }
  CHECK(after.packets[4].find("captured=16373 original=30000") != std::string::npos);
  REQUIRE(after.interfaces.size() == 2);
  CHECK(after.interfaces[0].find("name=eth1") != std::string::npos);

  read_options inferred;
  inferred.lpcap_first = time_ns{test::golden_time_ns};
  capture_reader alone(std::span<const std::byte>(sink.octets()), inferred);
  while (alone.next() != capture_item::packet) {
  }
  CHECK(alone.packet().time == time_ns{test::golden_time_ns});
  CHECK(alone.packet().time_is_inferred);

  // The last packet cannot be later than the file; its stored time is 1 or what it was.
  read_options bounded;
  bounded.lpcap_last_bound = time_ns{test::golden_time_ns} + 3'600'000'000'000;
  capture_reader bound_reader(std::span<const std::byte>(sink.octets()), bounded);
  time_ns last = 0;
  for (capture_item item = bound_reader.next(); item != capture_item::end;
       item = bound_reader.next()) {
    last = item == capture_item::packet ? bound_reader.packet().time : last;
  }
  CHECK(last <= *bounded.lpcap_last_bound);
  CHECK(last > *bounded.lpcap_last_bound - (time_ns{1} << 32));
}

TEST_CASE("gzip and zstd written here are read here, also one behind the other") {
  const octets frame = test::arp_frame();
  octets file;
  append(file, section_header_block{});
  append(file, interface_description_block{});
  for (int i = 0; i < 10000; ++i) {
    test::append_packet(file, 0, test::view_of(frame));
  }
  for (const capture_format format : {capture_format::gzip, capture_format::zstd}) {
    memory_sink sink;
    for (const auto& part : {std::span(file).first(100), std::span(file).subspan(100)}) {
      const auto compressor = make_compressor(format, sink);
      REQUIRE(compressor->write(part).has_value());
      REQUIRE(compressor->finish().has_value());
    }
    const capture_text found = text_of(sink.octets());
    CHECK(found.error == "");
    CHECK(found.packets.size() == 10000);
    CHECK(found.compression == name_of(format));
    const capture_text cut = text_of(std::span(sink.octets()).first(sink.octets().size() - 9));
    CHECK(cut.error.find("ends early") != std::string::npos);
    octets damaged = sink.octets();
    damaged[damaged.size() / 2] ^= std::byte{0x10};
    CHECK(text_of(damaged).error != "");
  }
}
