// SPDX-License-Identifier: MIT
//
// Repair of pcap and lpcap files that were left open.
#include <atomic>

#include "format/lpcap_record.hpp"
#include "format/pcap_record.hpp"
#include "format/record_scan.hpp"
#include "pipeline/part_repair.hpp"
#include "pipeline/series.hpp"
#include "storage/paired_file.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using namespace captured::pipeline;
using storage::sidecar_of;
using testing::temporary_folder;
using strings = std::vector<std::string>;
using octets = std::vector<std::byte>;

namespace {

const std::atomic<bool> go_on{false};
constexpr std::uint32_t frames = 5;
constexpr std::size_t frame_bytes = 70;

std::string stem(file_format format) {
  return "20260101T000000Z-main-000007" + std::string(extension_of(format));
}
std::string part_of(file_format format) {
  return stem(format) + ".part";
}

std::string text_of(const octets& from) {
  return {reinterpret_cast<const char*>(from.data()), from.size()};
}

struct example {
  std::string file;
  std::string sidecar;
  std::size_t head = 0;
  std::size_t record = 0;
};

/// Frames with a time entry each.
example make_example(file_format format) {
  octets file;
  octets sidecar;
  example made;
  format::lpcap_records lpcap(packet::link_type::ethernet);
  if (format == file_format::lpcap) {
    const auto head = format::lpcap_file_header(packet::link_type::ethernet);
    file.assign(head.begin(), head.end());
    format::append_lpcap_sidecar_head(sidecar);
    lpcap.set_interface(0, "eth0", 2, 262144);
  } else {
    const auto head = format::pcap_file_header(false, 262144, 1);
    file.assign(head.begin(), head.end());
  }
  made.head = file.size();
  for (std::uint32_t i = 0; i < frames; ++i) {
    const auto data = test::numbered_frame(i, frame_bytes);
    const packet::packet_view packet{
        .timestamp_ns = 1'767'225'600'000'000'000 + i * std::uint64_t{5'000'000'000},
        .data = data,
        .original_length = frame_bytes};
    const std::size_t at = file.size();
    const format::pcap_records pcap{.snaplen = 262144};
    const bool is_lpcap = format == file_format::lpcap;
    file.resize(at + (is_lpcap ? lpcap.bytes(packet) : pcap.bytes(packet)));
    is_lpcap ? lpcap.encode(file.data() + at, packet, sidecar)
             : pcap.encode(file.data() + at, packet);
    made.record = file.size() - at;
  }
  made.file = text_of(file);
  made.sidecar = text_of(sidecar);
  return made;
}

storage::own_files own(file_format format) {
  return *own_files_of({}, format);
}

storage::output_directory opened(const temporary_folder& folder) {
  return std::move(*storage::output_directory::open(folder.path().string(), false));
}

repaired_part repaired(const temporary_folder& folder, file_format format) {
  const auto directory = opened(folder);
  const auto found = find_parts(directory, own(format));
  REQUIRE(found.has_value());
  REQUIRE(found->troubles.empty());
  REQUIRE(found->to_repair.size() == 1);
  const auto done = repair_part(directory, found->to_repair[0], go_on);
  REQUIRE(done.has_value());
  return *done;
}

std::uint64_t entries_of(const std::string& sidecar, std::uint64_t records) {
  format::memory_source source(testing::octets_of(sidecar));
  return format::scan_lpcap_entries(source, records).octets;
}

}  // namespace

TEST_CASE("a pcap file cut at any octet is cut after its last whole packet and named",
          "[one-thread]") {
  const example from = make_example(file_format::pcap);
  for (std::size_t cut = from.head; cut <= from.file.size(); ++cut) {
    INFO("cut at " << cut);
    const temporary_folder folder;
    folder.write(part_of(file_format::pcap), from.file.substr(0, cut));
    const auto done = repaired(folder, file_format::pcap);
    const std::size_t whole = (cut - from.head) / from.record;
    CHECK_FALSE(done.is_set_aside);
    CHECK(done.packets == whole);
    CHECK(done.octets_lost <= cut - from.head - whole * from.record);  // zeros are no loss
    CHECK(folder.names() == strings{stem(file_format::pcap)});
    CHECK(folder.read(stem(file_format::pcap)) ==
          from.file.substr(0, from.head + whole * from.record));
  }
}

TEST_CASE("an lpcap file and its sidecar are cut to the same packets", "[one-thread]") {
  const example from = make_example(file_format::lpcap);
  const std::string part = part_of(file_format::lpcap);
  const std::string whole_name = stem(file_format::lpcap);
  for (std::size_t cut = from.head; cut <= from.file.size(); cut += 7) {
    INFO("cut at " << cut);
    const temporary_folder folder;
    folder.write(part, from.file.substr(0, cut));
    folder.write(sidecar_of(part), from.sidecar + std::string(20, '\0'));  // it is always ahead
    const auto done = repaired(folder, file_format::lpcap);
    const std::size_t whole = (cut - from.head) / from.record;
    CHECK_FALSE(done.is_set_aside);
    CHECK(done.packets == whole);
    CHECK(folder.names() == strings{whole_name, sidecar_of(whole_name)});
    CHECK(folder.read(whole_name) == from.file.substr(0, from.head + whole * from.record));
    CHECK(folder.read(sidecar_of(whole_name)) ==
          from.sidecar.substr(0, entries_of(from.sidecar, whole)));
    CHECK(done.file.size_bytes ==
          folder.read(whole_name).size() + folder.read(sidecar_of(whole_name)).size());
  }
}

TEST_CASE("an lpcap file whose sidecar has its final name already is finished") {
  const example from = make_example(file_format::lpcap);
  const std::string whole_name = stem(file_format::lpcap);
  const temporary_folder folder;
  folder.write(part_of(file_format::lpcap), from.file);
  folder.write(sidecar_of(whole_name), from.sidecar);
  CHECK(repaired(folder, file_format::lpcap).packets == frames);
  CHECK(folder.names() == strings{whole_name, sidecar_of(whole_name)});
  CHECK(folder.read(sidecar_of(whole_name)) == from.sidecar);
}

TEST_CASE("an lpcap file without its times is set aside") {
  const example from = make_example(file_format::lpcap);
  const std::string part = part_of(file_format::lpcap);
  for (const bool has_sidecar : {false, true}) {
    const temporary_folder folder;
    folder.write(part, from.file);
    if (has_sidecar) {
      folder.write(sidecar_of(part), from.sidecar.substr(0, 8));
    }
    const auto done = repaired(folder, file_format::lpcap);
    CHECK(done.is_set_aside);
    CHECK(done.reason == "there is no sidecar that has its times");
    const std::string damaged = stem(file_format::lpcap) + ".damaged";
    CHECK(folder.names() ==
          (has_sidecar ? strings{damaged, sidecar_of(damaged)} : strings{damaged}));
    CHECK(folder.read(damaged) == from.file);
  }
}

TEST_CASE("a file of records whose final name is taken gets another, with its sidecar") {
  const example from = make_example(file_format::lpcap);
  const std::string part = part_of(file_format::lpcap);
  const temporary_folder folder;
  folder.write(stem(file_format::lpcap), "somebody else's");
  folder.write(part, from.file);
  folder.write(sidecar_of(part), from.sidecar);
  const auto done = repaired(folder, file_format::lpcap);
  CHECK(done.packets == frames);
  CHECK(done.file.name != stem(file_format::lpcap));
  CHECK(folder.read(stem(file_format::lpcap)) == "somebody else's");
  CHECK(folder.read(sidecar_of(done.file.name)) == from.sidecar);
  CHECK(folder.names().size() == 3);
}

TEST_CASE("what is no file of records is set aside, and what is not ours left alone") {
  const temporary_folder folder;
  folder.write(part_of(file_format::pcap), "");
  folder.write("20260101T000000Z-main-000008.pcap.part", std::string(1000, '\0'));
  folder.write("20260101T000000Z-other-000008.pcap.part", "x");
  folder.write("20260101T000000Z-main-000008.pcapng.part", "x");
  const auto found = find_parts(opened(folder), own(file_format::pcap));
  REQUIRE(found.has_value());
  CHECK(found->to_repair.empty());
  CHECK(found->set_aside.size() == 2);
  CHECK(folder.names() == strings{"20260101T000000Z-main-000007.pcap.damaged",
                                  "20260101T000000Z-main-000008.pcap.damaged",
                                  "20260101T000000Z-main-000008.pcapng.part",
                                  "20260101T000000Z-other-000008.pcap.part"});
}

TEST_CASE("a series of records goes on behind the number of its newest file") {
  const example from = make_example(file_format::pcap);
  const temporary_folder folder;
  folder.write("20260101T000000Z-main-000004.pcap", from.file);
  folder.write("20260101T000000Z-main-000009.pcapng", "x");
  folder.write("20260101T000000Z-main-eth0-000012.pcap", from.file);
  folder.write(part_of(file_format::pcap), from.file);
  CHECK(continue_series(opened(folder), own(file_format::pcap), "")->next_sequence == 8);
  const auto kept = opened(folder).find_kept(own(file_format::pcap));
  REQUIRE(kept.has_value());
  REQUIRE(kept->files.size() == 1);
  CHECK(kept->files.front().sequence == 4);
}

TEST_CASE("a file of records that a power cut left under its hidden name is kept") {
  for (const file_format format : {file_format::pcap, file_format::lpcap}) {
    const example from = make_example(format);
    const bool is_lpcap = format == file_format::lpcap;
    const std::string hidden = storage::prepared_name("main", 7);
    const temporary_folder folder;
    folder.write(hidden, from.file);
    folder.write(storage::prepared_name("main", 8), "");
    if (is_lpcap) {
      folder.write(sidecar_of(hidden), from.sidecar);
      folder.write(sidecar_of(storage::prepared_name("main", 8)), "");
    }
    CHECK(opened(folder).remove_prepared(own(format)).value().removed == 1);
    const auto done = repaired(folder, format);
    CHECK(done.packets == frames);
    const std::string name = "main-000007" + std::string(extension_of(format));
    CHECK(folder.names() == (is_lpcap ? strings{name, sidecar_of(name)} : strings{name}));
    CHECK(continue_series(opened(folder), own(format), "")->next_sequence == 8);
  }
}
