// SPDX-License-Identifier: MIT
//
// Records of pcap and lpcap as outputs write them, and how much of a file of them is whole.
#include "format/capture_reader.hpp"
#include "format/lpcap_record.hpp"
#include "format/pcap_record.hpp"
#include "format/record_scan.hpp"
#include "octets.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::format;
using test::from_hex;
using test::octets;

namespace {

octets pcap_file(const std::vector<packet::packet_view>& packets, pcap_records records) {
  const auto head = pcap_file_header(records.nanoseconds, records.snaplen, 1);
  octets out(head.begin(), head.end());
  for (const auto& each : packets) {
    const std::size_t at = out.size();
    out.resize(at + records.bytes(each));
    CHECK(records.encode(out.data() + at, each) == out.size() - at);
  }
  return out;
}

struct lpcap_pair {
  octets file;
  octets sidecar;
};

/// The packets of two interfaces in turn.
lpcap_pair lpcap_file(const std::vector<packet::packet_view>& packets, std::uint32_t snaplen) {
  const auto head = lpcap_file_header(packet::link_type::ethernet);
  lpcap_pair made{{head.begin(), head.end()}, {}};
  append_lpcap_sidecar_head(made.sidecar);
  lpcap_records records(packet::link_type::ethernet);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const bool odd = i % 2 == 1;
    records.set_interface(odd ? 9 : 4, odd ? "odd0" : "even0", odd ? 3 : 2, snaplen);
    const std::size_t at = made.file.size();
    made.file.resize(at + records.bytes(packets[i]));
    CHECK(records.encode(made.file.data() + at, packets[i], made.sidecar) == made.file.size() - at);
  }
  return made;
}

octets data_of(std::size_t bytes) {
  octets data(bytes);
  for (std::size_t i = 0; i < bytes; ++i) {
    data[i] = static_cast<std::byte>(i + 1);
  }
  return data;
}

whole_records scan(std::span<const std::byte> file) {
  memory_source source(file);
  return scan_records(source);
}

whole_entries scan_entries(std::span<const std::byte> sidecar, std::uint64_t records) {
  memory_source source(sidecar);
  return scan_lpcap_entries(source, records);
}

}  // namespace

TEST_CASE("pcap records have the octets of the golden vectors") {
  const octets frame = test::arp_frame();
  octets expected = from_hex(
      "d4 c3 b2 a1 02 00 04 00 00 00 00 00 00 00 00 00 00 00 01 00 01 00 00 00"
      "c0 0d 8c 5a f0 fa 02 00 2a 00 00 00 2a 00 00 00");
  expected.insert(expected.end(), frame.begin(), frame.end());
  CHECK(pcap_file({test::view_of(frame)}, {.snaplen = 65536}) == expected);
  expected = from_hex(
      "4d 3c b2 a1 02 00 04 00 00 00 00 00 00 00 00 00 00 00 01 00 01 00 00 00"
      "c0 0d 8c 5a 74 3b a4 0b 2a 00 00 00 2a 00 00 00");
  expected.insert(expected.end(), frame.begin(), frame.end());
  CHECK(pcap_file({test::view_of(frame)}, {.nanoseconds = true, .snaplen = 65536}) == expected);
}

TEST_CASE("an lpcap record and its time have the octets of the golden vectors") {
  const octets frame = test::arp_frame();
  const auto made = lpcap_file({test::view_of(frame)}, 262144);
  octets expected =
      from_hex("3e 4f 01 00 04 00 ff 3f 00 00 04 00 00 00  00 02 74 bb fd 13 2a 00 00 00");
  expected.insert(expected.end(), frame.begin(), frame.end());
  CHECK(made.file == expected);
  // Its head, the interface with its name, and the time of record 0.
  CHECK(made.sidecar == from_hex("4c 50 4d 45 54 41 31 00"
                                 "02 00 0a 00 00 02 00 00 00 65 76 65 6e 30"
                                 "01 00 10 00 00 00 00 00 00 00 00 00 74 bb fd 13 de 06 15 15"));
}

TEST_CASE("a pcap record holds the tag that the card took out, and is cut at the snap length") {
  const octets data = data_of(60);
  packet::packet_view packet = test::view_of(data);
  packet.vlan = {.tpid = 0x8100, .tci = 7};
  packet.original_length = 100;
  const octets file = pcap_file({packet}, {.nanoseconds = true, .snaplen = 30});
  capture_reader reader(file);
  while (reader.next() != capture_item::packet) {
  }
  CHECK(reader.packet().data.size() == 30);
  CHECK(reader.packet().original_length == 104);
  CHECK(base::load_big<std::uint32_t>(reader.packet().data.data() + 12) == 0x81000007);
  CHECK(reader.packet().time == test::golden_time_ns);
}

TEST_CASE(
    "lpcap with its sidecar gives whole times, also where the clock steps, names and lengths") {
  const octets data = data_of(64);
  std::vector<packet::packet_view> packets;
  constexpr std::uint64_t base_ns = 1'700'000'000'000'000'000;
  for (const std::uint64_t stamp :
       {base_ns, base_ns + 5, base_ns + 9'000'000'000, base_ns - 60'000'000'000,
        (base_ns >> 32 << 32) + (std::uint64_t{1} << 32), base_ns + 4}) {
    packets.push_back(test::view_of(data));
    packets.back().timestamp_ns = stamp;
    packets.back().original_length = 99;
  }
  const auto made = lpcap_file(packets, 40);
  memory_source sidecar(made.sidecar);
  read_options options;
  options.lpcap_sidecar = &sidecar;
  capture_reader reader(made.file, options);
  std::size_t count = 0;
  for (auto item = reader.next(); item != capture_item::end; item = reader.next()) {
    REQUIRE(item != capture_item::failed);
    if (item != capture_item::packet) {
      continue;
    }
    INFO("packet " << count);
    CHECK(reader.packet().time == packets[count].timestamp_ns);
    CHECK(reader.packet().data.size() == 40);
    CHECK(reader.packet().original_length == 99);
    const auto& from = reader.interfaces()[reader.packet().interface_id];
    CHECK(from.description.name == (count % 2 == 0 ? "even0" : "odd0"));
    ++count;
  }
  CHECK(count == packets.size());
}

TEST_CASE("of a file that was cut anywhere, all whole records count, and nothing of the rest") {
  const octets data = data_of(50);
  const std::vector<packet::packet_view> packets(3, test::view_of(data));
  const auto sweep = [](const octets& file, std::size_t head, std::size_t record) {
    for (std::size_t cut = 0; cut <= file.size(); ++cut) {
      INFO("cut at " << cut);
      const std::size_t whole = cut < head ? 0 : (cut - head) / record;
      const auto found = scan({file.data(), cut});
      CHECK(found.packets == whole);
      CHECK(found.octets == (cut < head ? 0 : head + whole * record));
      // Zeros stand where a write had not got to.
      octets reserved(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(cut));
      reserved.resize(reserved.size() + 1000);
      if (cut >= head && (cut - head) % record == 0) {
        CHECK(scan(reserved).packets == whole);
        CHECK(scan(reserved).octets == found.octets);
      }
    }
  };
  sweep(pcap_file(packets, {}), pcap_file_header_bytes, pcap_record_header_bytes + 50);
  sweep(lpcap_file(packets, 262144).file, lpcap_file_header_bytes, lpcap_record_header_bytes + 50);
}

TEST_CASE("what no encoder of ours writes ends the whole records") {
  const octets data = data_of(50);
  const octets good = pcap_file({test::view_of(data), test::view_of(data)}, {});
  const auto with = [&good](std::size_t at, std::uint32_t value) {
    octets bad = good;
    base::store_little(bad.data() + at, value);
    return scan(bad).packets;
  };
  constexpr std::size_t second = pcap_file_header_bytes + pcap_record_header_bytes + 50;
  CHECK(with(second, 0) == 2);              // any second will do
  CHECK(with(second + 4, 1'000'000) == 1);  // more microseconds than there are
  CHECK(with(second + 8, 262145) == 1);     // beyond the file's snap length
  CHECK(with(second + 12, 49) == 1);        // less on the wire than was captured
  CHECK(with(0, 0xA1B2C3D5) == 0);
  CHECK(scan({}).octets == 0);
}

TEST_CASE("of a sidecar, the entries of the records that there are count") {
  const octets data = data_of(64);
  std::vector<packet::packet_view> packets(4, test::view_of(data));
  for (std::size_t i = 0; i < packets.size(); ++i) {
    packets[i].timestamp_ns += i * 10'000'000'000;
  }
  const octets sidecar = lpcap_file(packets, 40).sidecar;
  constexpr std::size_t head = 8;
  constexpr std::size_t names[] = {4 + 5 + 5, 4 + 5 + 4, 0, 0};
  constexpr std::size_t entries = 20 + 16;  // a time and a length
  std::size_t whole = head;
  for (std::size_t records = 0; records <= 4; ++records) {
    const auto found = scan_entries(sidecar, records);
    // The name of the interface that comes next may stay.
    CHECK(found.octets == whole + (records < 4 ? names[records] : 0));
    CHECK(found.knows_times == (records > 0));
    whole += records < 4 ? names[records] + entries : 0;
  }
  CHECK(whole == sidecar.size());
  for (std::size_t cut = 0; cut < sidecar.size(); ++cut) {
    CHECK(scan_entries({sidecar.data(), cut}, 4).octets <= cut);
  }
  CHECK(scan_entries({sidecar.data(), 60}, 4).octets < 60);
  CHECK_FALSE(scan_entries({}, 4).knows_times);
}
