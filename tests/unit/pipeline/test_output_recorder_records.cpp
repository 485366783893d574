// SPDX-License-Identifier: MIT
//
// Outputs whose files are pcap or lpcap: what holds for pcapng holds for them.
#include "format/capture_reader.hpp"
#include "format/record_scan.hpp"
#include "pipeline/output_recorder.hpp"
#include "support/catch.hpp"
#include "support/recorder_rig.hpp"

using namespace captured;
using namespace std::chrono_literals;
using captured::test::numbers_to;
using captured::test::produce;
using captured::test::recorder_rig;
using captured::test::rig_options;
using captured::testing::memory_files;
using pipeline::file_format;
using storage::file_action;

namespace {

constexpr std::array formats{file_format::pcap, file_format::pcap_nano, file_format::lpcap};

struct found_records {
  std::vector<std::uint32_t> numbers;
  std::vector<std::uint64_t> times;
  std::vector<std::string> interfaces;
};

/// All packets of a file, which must end where one does.
found_records read_records(recorder_rig& rig, const std::string& name) {
  const auto sidecar = rig.disk().sidecar(name);
  format::memory_source beside(sidecar);
  format::read_options options;
  if (!sidecar.empty()) {
    options.lpcap_sidecar = &beside;
  }
  format::capture_reader reader(rig.disk().contents(name).value(), options);
  found_records found;
  for (auto item = reader.next(); item != format::capture_item::end; item = reader.next()) {
    REQUIRE(item != format::capture_item::failed);
    if (item != format::capture_item::packet) {
      continue;
    }
    const auto number = test::number_of(reader.packet().data);
    REQUIRE(number.has_value());
    found.numbers.push_back(*number);
    found.times.push_back(static_cast<std::uint64_t>(reader.packet().time));
    found.interfaces.push_back(
        reader.interfaces()[reader.packet().interface_id].description.name.value_or(""));
  }
  return found;
}

std::vector<std::uint32_t> all_numbers(recorder_rig& rig) {
  std::vector<std::uint32_t> all;
  for (const std::string& name : rig.closed()) {
    const auto numbers = read_records(rig, name).numbers;
    all.insert(all.end(), numbers.begin(), numbers.end());
  }
  return all;
}

rig_options options_of(file_format format) {
  rig_options options;
  options.output.format = format;
  options.where = pipeline::placement::paged;  // which such a file cannot have
  return options;
}

}  // namespace

TEST_CASE("files of records hold every packet once and in order, whatever ends them") {
  for (const file_format format : formats) {
    INFO("format " << static_cast<int>(format));
    rig_options options = options_of(format);
    options.output.files.rotate = {.size_bytes = 20'000, .interval = 7s, .packets = 33};
    options.output.files.preallocate = false;
    recorder_rig rig(options);
    rig.settle();
    for (int turn = 0; turn < 60; ++turn) {
      produce(rig, 20);
      rig.retire();
      if (turn % 9 == 0) {
        rig.recorder().rotate();
      }
      rig.pass(400ms);
    }
    rig.stop();
    CHECK(rig.closed().size() > 20);
    CHECK(all_numbers(rig) == numbers_to(1200));
    CHECK(rig.ledger().stored == 1200);
    CHECK(rig.ledger().balanced());
    for (const std::string& name : rig.closed()) {
      CHECK(name.ends_with(pipeline::extension_of(format)));
      CHECK(rig.disk().contents(name)->size() <= 20'000);
      CHECK(read_records(rig, name).numbers.size() <= 33);
    }
  }
}

TEST_CASE("a file of records that holds no packet is whole") {
  for (const file_format format : formats) {
    recorder_rig rig(options_of(format));
    rig.settle();
    rig.pass(30s);  // statistics are due, and have no place
    rig.stop();
    REQUIRE(rig.closed().size() == 1);
    CHECK(read_records(rig, rig.closed()[0]).numbers.empty());
    CHECK(rig.disk().contents(rig.closed()[0])->size() == (format == file_format::lpcap ? 14 : 24));
  }
}

TEST_CASE(
    "the sidecar of lpcap gives whole times and names, over rotation and steps of the clock") {
  rig_options options = options_of(file_format::lpcap);
  options.interfaces = 2;
  recorder_rig rig(options);
  rig.settle();
  std::vector<std::uint64_t> stamps;
  for (int turn = 0; turn < 40; ++turn) {
    for (std::size_t i = 0; i < 2; ++i) {
      stamps.push_back(base::to_epoch_ns(rig.now().wall));
      rig.produce(i);
      rig.retire(i);
    }
    rig.step_wall_clock(turn % 7 == 3 ? -20s : 0s);
    if (turn % 10 == 9) {
      rig.recorder().rotate();
    }
    rig.pass(1300ms);
  }
  rig.stop();
  REQUIRE(rig.closed().size() == 5);
  std::vector<std::uint64_t> times;
  for (const std::string& name : rig.closed()) {
    const auto found = read_records(rig, name);
    times.insert(times.end(), found.times.begin(), found.times.end());
    for (std::size_t i = 0; i < found.interfaces.size(); ++i) {
      CHECK(found.interfaces[i] == "if" + std::to_string(i % 2));
    }
  }
  CHECK(times == stamps);
}

TEST_CASE(
    "what is written of an open file of records is whole records, and they are those stored") {
  for (const file_format format : formats) {
    INFO("format " << static_cast<int>(format));
    recorder_rig rig(options_of(format));
    rig.settle();
    for (int turn = 0; turn < 10; ++turn) {
      produce(rig, 7);
      rig.retire();
      rig.pass(1s);
      const std::string part = rig.disk().names().back();
      format::memory_source source(rig.disk().published(part).value());
      const auto whole = format::scan_records(source);
      CHECK(whole.packets == rig.ledger().stored);
      CHECK(whole.octets == rig.disk().published(part)->size());
      const auto sidecar = rig.disk().sidecar(part);
      CHECK(sidecar.empty() == (format != file_format::lpcap));
      format::memory_source beside(sidecar);
      const auto entries = format::scan_lpcap_entries(beside, whole.packets);
      CHECK(entries.knows_times == (format == file_format::lpcap && whole.packets > 0));
      CHECK(entries.octets == sidecar.size());
    }
  }
}

TEST_CASE("a full disk holds packets of files of records back, and they go on when there is room") {
  for (const file_format format : formats) {
    INFO("format " << static_cast<int>(format));
    rig_options options = options_of(format);
    options.output.files.preallocate = false;
    recorder_rig rig(options);
    rig.settle();
    rig.pass(1s);
    rig.disk().set_capacity(rig.disk().used_bytes() + 1000);
    produce(rig, 60);
    rig.retire();
    rig.settle();
    rig.pass(1s);
    CHECK(rig.troubles().size() == 1);
    rig.disk().set_capacity(1u << 30);
    rig.pass(2s);
    CHECK(rig.recoveries() == 1);
    rig.stop();
    CHECK(all_numbers(rig) == numbers_to(60));
    CHECK(rig.ledger().balanced());
  }
}

TEST_CASE("of records that the disk took in part, the whole ones count as stored after a stop") {
  for (const file_format format : formats) {
    for (const std::size_t octets : {1u, 20u, 30u, 80u, 700u}) {
      INFO("format " << static_cast<int>(format) << ", " << octets << " octets");
      recorder_rig rig(options_of(format));
      rig.settle();
      rig.disk().shorten({.action = file_action::write}, octets);
      rig.disk().fail({.action = file_action::write, .nth = 2, .times = memory_files::for_ever},
                      EIO);
      produce(rig, 30);
      rig.retire();
      rig.pass(1s);
      rig.stop(2s);
      CHECK(rig.recorder().outcome().gave_up);
      CHECK(rig.ledger().balanced());
      format::memory_source source(rig.disk().published(rig.disk().names().back()).value());
      CHECK(rig.ledger().stored == format::scan_records(source).packets);
      CHECK(rig.ledger().unwritten > 0);
    }
  }
}
