// SPDX-License-Identifier: MIT
//
// Interfaces that come, change and go while an output records.
#include <algorithm>
#include <string_view>

#include "base/bytes.hpp"
#include "format/octet_source.hpp"
#include "format/verification.hpp"
#include "pipeline/output_recorder.hpp"
#include "support/catch.hpp"
#include "support/recorder_rig.hpp"

using namespace std::chrono_literals;
namespace base = captured::base;
namespace pipeline = captured::pipeline;
using captured::test::numbers_to;
using captured::test::produce;
using captured::test::read_all;
using captured::test::recorder_rig;
using captured::test::rig_options;

namespace {

constexpr std::uint32_t description = 1;
constexpr std::uint32_t statistics = 5;
constexpr std::uint32_t packet = 6;

struct block {
  std::uint32_t type = 0;
  std::uint32_t interface_id = 0;
  std::string text;  ///< its octets
};

std::vector<block> blocks_of(recorder_rig& rig, std::size_t file) {
  const auto octets = rig.disk().contents(rig.closed().at(file)).value();
  std::vector<block> found;
  std::uint32_t descriptions = 0;
  for (std::size_t at = 0; at < octets.size();) {
    const auto length = base::load_little<std::uint32_t>(octets.data() + at + 4);
    REQUIRE(length >= 12);
    block one{.type = base::load_little<std::uint32_t>(octets.data() + at)};
    one.interface_id = one.type == description
                           ? descriptions++
                           : base::load_little<std::uint32_t>(octets.data() + at + 8);
    one.text.assign(reinterpret_cast<const char*>(octets.data() + at), length);
    found.push_back(std::move(one));
    at += length;
  }
  return found;
}

std::vector<std::uint32_t> ids(const std::vector<block>& blocks, std::uint32_t type) {
  std::vector<std::uint32_t> found;
  for (const block& one : blocks) {
    if (one.type == type) {
      found.push_back(one.interface_id);
    }
  }
  return found;
}

std::size_t count_text(const std::vector<block>& blocks, std::uint32_t type,
                       std::string_view text) {
  return static_cast<std::size_t>(std::count_if(blocks.begin(), blocks.end(), [&](const block& b) {
    return b.type == type && b.text.find(text) != std::string::npos;
  }));
}

pipeline::description_change change_at(const recorder_rig& rig, std::uint64_t after_ns) {
  pipeline::description_change change;
  change.description.block.name = "if0";
  change.description.block.filter = "udp";
  change.after_ns = after_ns;
  change.settled_at = rig.now().steady + 300ms;
  return change;
}

}  // namespace

TEST_CASE("an interface that is added later is described before its first packet") {
  recorder_rig rig;
  rig.settle();
  produce(rig, 5);
  rig.retire();
  rig.pass(10ms);
  const std::size_t added = rig.add_interface();
  produce(rig, 3, added);
  produce(rig, 2);
  rig.retire_all();
  rig.pass(10ms);
  rig.recorder().rotate();
  rig.pass(10ms);
  rig.stop();
  const auto first = blocks_of(rig, 0);
  CHECK(ids(first, description) == std::vector<std::uint32_t>{0, 1});
  CHECK(first[1].type == description);
  CHECK(first[2].type == packet);
  CHECK(ids(first, packet).size() == 10);
  const auto second = blocks_of(rig, 1);
  CHECK(second[1].type == description);
  CHECK(second[2].type == description);
  CHECK(rig.ledger(added).stored == 3);
  CHECK(rig.ledger(0).stored == 7);
}

TEST_CASE("an interface that leaves says why, lets its ring go, and comes back with its figures") {
  rig_options options;
  options.interfaces = 2;
  recorder_rig rig(options);
  rig.settle();
  produce(rig, 4, 0);
  produce(rig, 6, 1);
  rig.retire_all();
  rig.recorder().remove("if1", "the device was removed");
  rig.pass(10ms);
  CHECK(rig.released().empty());
  produce(rig, 1, 1);
  rig.close_feed(1);
  rig.pass(10ms);
  REQUIRE(rig.released() == std::vector<std::string>{"if1"});
  produce(rig, 1, 0);
  rig.retire(0);
  rig.pass(10ms);
  rig.bring_back(1);
  produce(rig, 2, 1);
  rig.retire(1);
  rig.pass(10ms);
  rig.stop();
  const auto blocks = blocks_of(rig, 0);
  CHECK(ids(blocks, description) == std::vector<std::uint32_t>{0, 1, 2});
  CHECK(count_text(blocks, statistics, "the device was removed") == 1);
  const auto packets = ids(blocks, packet);
  CHECK(std::count(packets.begin(), packets.end(), 1u) == 7);
  CHECK(std::count(packets.begin(), packets.end(), 2u) == 2);
  CHECK(rig.ledger(1).stored == 9);
  CHECK(rig.ledger(1).filteraccept == 9);
  CHECK(rig.ledger(0).stored == 5);
}

TEST_CASE("a change holds from the first packet that is stamped after it, inside a block too") {
  recorder_rig rig;
  rig.settle();
  produce(rig, 3);
  rig.pass(10ms);
  const std::uint64_t moment = base::to_epoch_ns(rig.now().wall);
  rig.recorder().change("if0", change_at(rig, moment));
  rig.pass(10ms);
  produce(rig, 4);
  rig.retire();
  rig.pass(10ms);
  rig.stop();
  const auto blocks = blocks_of(rig, 0);
  CHECK(ids(blocks, packet) == std::vector<std::uint32_t>{0, 0, 0, 1, 1, 1, 1});
  CHECK(ids(blocks, description) == std::vector<std::uint32_t>{0, 1});
  CHECK(read_all(rig).numbers == numbers_to(7));
}

TEST_CASE("several changes within one block hold one after the other") {
  recorder_rig rig;
  rig.settle();
  for (int i = 0; i < 5; ++i) {
    produce(rig, 2);
    rig.recorder().change("if0", change_at(rig, base::to_epoch_ns(rig.now().wall)));
    rig.pass(1ms);
  }
  produce(rig, 1);
  rig.retire();
  rig.pass(10ms);
  rig.stop();
  CHECK(ids(blocks_of(rig, 0), packet) ==
        std::vector<std::uint32_t>{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5});
}

TEST_CASE("on a silent interface a change holds once no older packet can come") {
  recorder_rig rig;
  rig.settle();
  rig.recorder().change("if0", change_at(rig, base::to_epoch_ns(rig.now().wall)));
  rig.pass(299ms);
  CHECK(rig.recorder().wake_at(rig.now()) == rig.now().steady + 1ms);
  rig.pass(1ms);
  rig.recorder().rotate();
  rig.pass(10ms);
  rig.stop();
  CHECK(ids(blocks_of(rig, 0), description) == std::vector<std::uint32_t>{0, 1});
  CHECK(ids(blocks_of(rig, 1), description) == std::vector<std::uint32_t>{0});
  CHECK(count_text(blocks_of(rig, 1), description, "udp") == 1);
}

TEST_CASE("a note stands in statistics of its own, at once") {
  recorder_rig rig;
  rig.settle();
  rig.recorder().note("if0", "the link went down");
  rig.pass(10ms);
  rig.stop();
  CHECK(count_text(blocks_of(rig, 0), statistics, "the link went down") == 1);
  CHECK(ids(blocks_of(rig, 0), statistics).size() == 2);
}

TEST_CASE("an output without interfaces makes no file until one comes, and stops at once") {
  rig_options options;
  options.interfaces = 0;
  SECTION("none comes") {
    recorder_rig rig(options);
    rig.pass(1h);
    rig.stop();
    CHECK(rig.disk().names().empty());
  }
  SECTION("one comes and leaves, and nothing follows") {
    recorder_rig rig(options);
    rig.pass(1h);
    rig.add_interface();
    produce(rig, 2);
    rig.retire();
    rig.pass(10ms);
    rig.recorder().remove("if0", "gone");
    rig.close_feed(0);
    rig.pass(10ms);
    rig.recorder().rotate();
    rig.pass(10ms);
    CHECK(rig.closed().size() == 1);
    rig.stop();
    CHECK(rig.closed().size() == 1);
    CHECK(rig.disk().names().size() == 1);
  }
}

TEST_CASE("an interface that leaves while the disk stands still loses nothing") {
  rig_options options;
  options.interfaces = 2;
  options.ring.block_count = 8;
  recorder_rig rig(options);
  rig.settle();
  rig.disk().stall();
  produce(rig, 20, 1);
  rig.retire_all();
  rig.recorder().remove("if1", "gone");
  rig.close_feed(1);
  rig.pass(10s);
  rig.disk().release();
  rig.pass(10ms);
  CHECK(rig.released().size() == 1);
  rig.stop();
  CHECK(rig.ledger(1).stored == 20);
  CHECK(rig.ledger(1).unwritten == 0);
}

TEST_CASE("what a ring lost behind its last packet is left to none of the next ring's to tell") {
  rig_options options;
  options.ring.block_count = 2;
  recorder_rig rig(options);
  rig.settle();
  while (rig.produce()) {
  }
  rig.recorder().remove("if0", "gone");
  rig.close_feed(0);
  rig.pass(10ms);
  REQUIRE(rig.released().size() == 1);
  REQUIRE(rig.ledger().osdrop == 1);
  rig.bring_back(0);
  rig.recorder().rotate();
  produce(rig, 2);
  rig.retire();
  rig.pass(10ms);
  rig.stop();
  REQUIRE(rig.closed().size() == 2);
  const auto blocks = blocks_of(rig, 1);
  CHECK(blocks.front().text.find("\"osdrop\":1") != std::string::npos);
  CHECK(blocks.front().text.find("untold") == std::string::npos);
}

TEST_CASE("more interfaces than a note can list come and go, and every file still verifies",
          "[one-thread]") {
  recorder_rig rig;
  rig.settle();
  constexpr std::size_t many = 700;
  for (std::size_t i = 1; i <= many; ++i) {
    const std::size_t added = rig.add_interface();
    produce(rig, 2, added);
    produce(rig, 1, 0);
    rig.retire_all();
    rig.recorder().remove("if" + std::to_string(added), "the device was removed");
    rig.close_feed(added);
    rig.pass(10ms);
    REQUIRE(rig.released().size() == i);
    if (i % 50 == 0) {
      rig.recorder().rotate();
      rig.pass(10ms);
    }
  }
  rig.bring_back(many);
  produce(rig, 3, many);
  rig.retire(many);
  rig.pass(10ms);
  rig.stop();
  CHECK(rig.ledger(many).stored == 5);
  CHECK(rig.ledger(0).stored == many);
  std::vector<captured::format::file_report> reports;
  for (const std::string& name : rig.closed()) {
    const auto octets = rig.disk().contents(name).value();
    captured::format::memory_source source(octets);
    reports.push_back(captured::format::verify_file(name, source));
  }
  for (const auto& report : reports) {
    INFO(report.name);
    CHECK(report.faults == 0);
  }
  CHECK(captured::format::verify_chains(reports).empty());
  CHECK(blocks_of(rig, rig.closed().size() - 1)[0].text.find("\"forgotten\":true") !=
        std::string::npos);
}
