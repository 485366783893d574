// SPDX-License-Identifier: MIT
//
// Ring blocks that are written as they lie, and files in whole pages, through the whole recorder.
#include "format/verification.hpp"
#include "support/catch.hpp"
#include "support/recorder_rig.hpp"

using namespace captured;
using namespace std::chrono_literals;
using pipeline::encoding;
using pipeline::placement;
using storage::file_action;
using test::numbers_to;
using test::read_all;
using test::recorder_rig;
using test::rig_options;

namespace {

rig_options options_for(encoding how, placement where, std::size_t interfaces = 1) {
  rig_options options{
      .interfaces = interfaces, .ring = {.block_count = 8, .block_bytes = 16384}, .where = where};
  options.output.encoding = how;
  return options;
}

void produce_sized(recorder_rig& rig, std::uint32_t count, std::size_t size,
                   std::size_t interface = 0) {
  for (std::uint32_t i = 0; i < count; ++i) {
    rig.produce(interface, size);
  }
}

/// Every finished file is judged to the octet, and the files against each other.
void verify(recorder_rig& rig) {
  std::vector<format::file_report> reports;
  for (const std::string& name : rig.closed()) {
    format::memory_source source(rig.disk().contents(name).value());
    reports.push_back(format::verify_file(name, source));
    for (const auto& finding : reports.back().findings) {
      INFO(finding.text);
      CHECK(finding.level != format::severity::fault);
    }
    CHECK(reports.back().state == format::file_state::closed);
  }
  for (const auto& finding : format::verify_chains(reports)) {
    INFO(finding.text);
    CHECK(finding.level == format::severity::note);
  }
}

}  // namespace

TEST_CASE("every encoding and placement records every packet, and the files verify") {
  for (const encoding how : {encoding::compact, encoding::in_place, encoding::automatic}) {
    for (const placement where : {placement::packed, placement::paged}) {
      for (const std::size_t size : {64u, 1500u}) {
        recorder_rig rig(options_for(how, where));
        rig.settle();
        for (int burst = 0; burst < 20; ++burst) {
          produce_sized(rig, 13, size);
          rig.retire();
          rig.pass(100ms);
        }
        rig.stop();
        INFO("encoding " << static_cast<int>(how) << " placement " << static_cast<int>(where)
                         << " size " << size);
        CHECK(rig.ledger().stored == 260);
        CHECK(rig.ledger().unwritten == 0);
        CHECK(read_all(rig).numbers == numbers_to(260));
        verify(rig);
        CHECK(rig.ring(0).releases() > 0);
      }
    }
  }
}

TEST_CASE("large packets are written from the ring itself, small ones are not, by themselves") {
  for (const std::size_t size : {64u, 1500u}) {
    recorder_rig rig(options_for(encoding::automatic, placement::paged));
    rig.settle();
    rig.disk().stall();
    produce_sized(rig, 5, size);
    rig.retire();
    rig.settle();
    CHECK(rig.ring(0).releases() == (size == 64 ? 1u : 0u));
    rig.disk().release();
    rig.settle();
    CHECK(rig.ring(0).releases() == 1);
    rig.stop();
    verify(rig);
  }
}

TEST_CASE("a block is given back when it is written, and not before, in whatever order") {
  recorder_rig rig(options_for(encoding::in_place, placement::paged));
  rig.settle();
  for (int i = 0; i < 3; ++i) {
    produce_sized(rig, 4, 1000);
    rig.retire();
    rig.recorder().run(rig.now());
  }
  CHECK(rig.ring(0).releases() == 0);
  while (rig.disk().ready() > 1) {
    rig.disk().run_at(rig.disk().ready() - 1);  // the newest first
  }
  rig.settle();
  CHECK(rig.ring(0).releases() == 3);
  rig.stop();
  CHECK(read_all(rig).numbers == numbers_to(12));
  verify(rig);
}

TEST_CASE("writes of a paged file begin at pages and are whole pages, and its end is exact") {
  recorder_rig rig(options_for(encoding::automatic, placement::paged));
  bool all_paged = true;
  std::size_t writes = 0;
  rig.disk().on_submit([&](const storage::file_request& request) {
    if (request.action == file_action::write) {
      ++writes;
      all_paged = all_paged && request.offset % 4096 == 0 && request.octets.size() % 4096 == 0;
    }
  });
  rig.settle();
  for (int burst = 0; burst < 30; ++burst) {
    produce_sized(rig, 5, burst % 3 == 0 ? 1400 : 64 + static_cast<std::size_t>(burst));
    rig.retire();
    rig.pass(500ms);
  }
  rig.stop();
  CHECK(all_paged);
  CHECK(writes > 15);
  CHECK(read_all(rig).numbers == numbers_to(150));
  verify(rig);
}

TEST_CASE("two interfaces in place and one compact share a file") {
  recorder_rig rig(options_for(encoding::automatic, placement::paged, 3));
  rig.settle();
  for (int burst = 0; burst < 10; ++burst) {
    produce_sized(rig, 5, 1200, 0);
    produce_sized(rig, 5, 900, 1);
    produce_sized(rig, 5, 70, 2);
    rig.retire_all();
    rig.pass(100ms);
  }
  rig.stop();
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(rig.ledger(i).stored == 50);
  }
  verify(rig);
}

TEST_CASE("a limit on packets cuts inside a block, which is copied for that") {
  auto options = options_for(encoding::in_place, placement::paged);
  options.output.files.rotate.packets = 7;
  recorder_rig rig(options);
  rig.settle();
  for (int burst = 0; burst < 5; ++burst) {
    produce_sized(rig, 10, 1000);
    rig.retire();
    rig.pass(10ms);
  }
  rig.stop();
  CHECK(read_all(rig).numbers == numbers_to(50));
  CHECK(rig.closed().size() == 8);
  verify(rig);
}

TEST_CASE("rotation by size keeps paged files below the limit and loses nothing") {
  auto options = options_for(encoding::automatic, placement::paged);
  options.output.files.rotate.size_bytes = 200'000;
  recorder_rig rig(options);
  rig.settle();
  for (int burst = 0; burst < 100; ++burst) {
    produce_sized(rig, 9, burst % 2 == 0 ? 1500 : 200);
    rig.retire();
    rig.pass(10ms);
  }
  rig.stop();
  CHECK(rig.closed().size() > 2);
  for (const std::string& name : rig.closed()) {
    CHECK(rig.disk().contents(name)->size() <= 200'000);
  }
  CHECK(read_all(rig).numbers == numbers_to(900));
  verify(rig);
}

TEST_CASE("losses are told by a packet of a block that is written in place") {
  auto options = options_for(encoding::in_place, placement::paged);
  options.ring.block_count = 4;
  recorder_rig rig(options);
  rig.settle();
  rig.disk().stall();
  std::uint32_t lost = 0;
  for (int i = 0; i < 200; ++i) {
    lost += rig.produce(0, 1000) ? 0u : 1u;
  }
  rig.retire();
  rig.settle();
  rig.disk().release();
  rig.settle();
  produce_sized(rig, 30, 1000);
  rig.retire();
  rig.settle();
  rig.stop();
  CHECK(lost > 0);
  const auto ledger = rig.ledger();
  CHECK(ledger.stored + ledger.osdrop == 230);
  CHECK(read_all(rig).dropcounts == ledger.osdrop);
  verify(rig);
}

TEST_CASE("a disk that takes writes in pieces, or refuses some, gets the same octets in the end") {
  for (std::uint64_t nth = 1; nth < 12; ++nth) {
    for (const bool refuse : {false, true}) {
      recorder_rig rig(options_for(encoding::automatic, placement::paged));
      rig.settle();
      if (refuse) {
        rig.disk().fail({.action = file_action::write, .nth = nth}, EIO);
      } else {
        rig.disk().shorten({.action = file_action::write, .nth = nth}, 1001);
      }
      for (int burst = 0; burst < 10; ++burst) {
        produce_sized(rig, 5, burst % 2 == 0 ? 1500 : 100);
        rig.retire();
        rig.pass(1s);
      }
      rig.stop();
      INFO("write " << nth << (refuse ? " refused" : " shortened"));
      CHECK(rig.ledger().stored == 50);
      CHECK(read_all(rig).numbers == numbers_to(50));
      verify(rig);
    }
  }
}

TEST_CASE("a stop that gives up counts what the disk did not take, and its blocks stay ours") {
  recorder_rig rig(options_for(encoding::in_place, placement::paged));
  rig.settle();
  produce_sized(rig, 10, 1000);
  rig.retire();
  rig.settle();
  rig.disk().stall();
  produce_sized(rig, 10, 1000);
  rig.retire();
  rig.settle();
  const auto before = rig.ring(0).releases();
  rig.stop();
  CHECK(rig.recorder().outcome().gave_up);
  CHECK(rig.ledger().stored == 10);
  CHECK(rig.ledger().unwritten == 10);
  CHECK(rig.ring(0).releases() == before);
}

TEST_CASE("an interface is let go when its last block is written, not when it is encoded") {
  recorder_rig rig(options_for(encoding::in_place, placement::paged, 2));
  rig.settle();
  rig.disk().stall();
  produce_sized(rig, 5, 1000);
  rig.recorder().remove("if0", "gone");
  rig.close_feed(0);
  rig.settle();
  CHECK(rig.released().empty());
  rig.disk().release();
  rig.settle();
  CHECK(rig.released() == std::vector<std::string>{"if0"});
  rig.stop();
  verify(rig);
}
