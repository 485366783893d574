// SPDX-License-Identifier: MIT
#include <vector>

#include "format/capture_reader.hpp"
#include "pipeline/live_copy.hpp"
#include "pipeline/ring_feed.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"

using namespace captured;
using namespace captured::pipeline;
using captured::test::numbered_frame;
using captured::test::scripted_source;

namespace {

/// Copies what it sees.
class listener final : public block_listener {
 public:
  listener(live_copy& to, std::uint32_t id) : to_(to), id_(id) {}
  void on_block(const shown_block& block) override { to_.copy(id_, block); }

 private:
  live_copy& to_;
  std::uint32_t id_;
};

struct packets_read {
  std::vector<std::size_t> lengths;
  std::vector<std::uint64_t> drops;
  bool whole = false;
};

packets_read read(const std::vector<std::byte>& octets) {
  format::capture_reader reader{std::span(octets)};
  packets_read made;
  while (true) {
    const format::capture_item item = reader.next();
    if (item == format::capture_item::packet) {
      made.lengths.push_back(reader.packet().data.size());
      made.drops.push_back(reader.packet().dropcount.value_or(0));
    } else if (item == format::capture_item::end || item == format::capture_item::failed) {
      made.whole = item == format::capture_item::end;
      return made;
    }
  }
}

void produce(scripted_source& source, ring_feed& feed, std::uint32_t first, std::uint32_t count) {
  for (std::uint32_t i = first; i < first + count; ++i) {
    source.produce({.data = numbered_frame(i, 60 + i % 100)});
  }
  source.retire();
  feed.offer_finished_blocks();
}

}  // namespace

TEST_CASE("a tap shows each block once, and the recording gets it all the same") {
  scripted_source source;
  packet_tap tap;
  ring_feed feed(source, &tap);
  live_copy copy(1 << 20);
  copy.begin("live");
  listener one(copy, copy.add_interface({.name = "eth0"}, {}));
  produce(source, feed, 0, 3);
  CHECK(copy.figures().offered == 0);
  tap.attach(one);
  produce(source, feed, 3, 5);
  tap.detach(one);
  CHECK(tap.idle());
  produce(source, feed, 8, 2);
  CHECK(copy.figures().offered == 5);
  CHECK(copy.figures().copied == 5);
  int blocks = 0;
  while (feed.take()) {
    ++blocks;
  }
  CHECK(blocks == 3);
  std::vector<std::byte> octets;
  copy.take(octets);
  const packets_read got = read(octets);
  CHECK(got.whole);
  CHECK(got.lengths == std::vector<std::size_t>{63, 64, 65, 66, 67});
  CHECK(copy.empty());
}

TEST_CASE("what does not fit is dropped, counted, and told by the next packet that does") {
  scripted_source source;
  packet_tap tap;
  ring_feed feed(source, &tap);
  live_copy copy(1000);
  copy.begin("live");
  listener one(copy, copy.add_interface({.name = "eth0"}, {}));
  tap.attach(one);
  produce(source, feed, 0, 50);
  const copy_figures full = copy.figures();
  CHECK(full.offered == 50);
  CHECK(full.copied + full.dropped == 50);
  CHECK(full.dropped > 30);
  std::vector<std::byte> octets;
  copy.take(octets);
  while (feed.take()) {
  }
  produce(source, feed, 50, 1);
  std::vector<std::byte> more;
  copy.take(more);
  octets.insert(octets.end(), more.begin(), more.end());
  const packets_read got = read(octets);
  CHECK(got.whole);
  REQUIRE(got.lengths.size() == full.copied + 1);
  CHECK(got.drops.back() == full.dropped);
}

TEST_CASE("filter and snaplen of a live copy are its own") {
  scripted_source source;
  packet_tap tap;
  ring_feed feed(source, &tap);
  live_copy copy(1 << 20);
  copy.begin("live");
  auto filter = capture::offline_filter::compile("greater 100", packet::link_type::ethernet);
  REQUIRE(filter.has_value());
  listener one(copy, copy.add_interface({}, {.filter = std::move(*filter), .snaplen = 20}));
  tap.attach(one);
  produce(source, feed, 38, 4);  // 98, 99, 100, 101
  CHECK(copy.figures().offered == 2);
  std::vector<std::byte> octets;
  copy.take(octets);
  CHECK(read(octets).lengths == std::vector<std::size_t>{20, 20});
}

TEST_CASE("a removed VLAN tag is put back before a packet is looked at") {
  const std::vector<std::byte> frame(60, std::byte{1});
  std::vector<std::byte> scratch;
  const whole_packet tagged = make_whole(
      {.data = frame, .original_length = 60, .vlan = {.tpid = 0x8100, .tci = 7}}, scratch);
  REQUIRE(tagged.data.size() == 64);
  CHECK(tagged.original_length == 64);
  CHECK(tagged.data[12] == std::byte{0x81});
  CHECK(tagged.data[15] == std::byte{7});
  const whole_packet plain = make_whole({.data = frame, .original_length = 90}, scratch);
  CHECK(plain.data.data() == frame.data());
  CHECK(plain.original_length == 90);
}
