// SPDX-License-Identifier: MIT
//
// The ring with a real kernel behind it.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <set>
#include <thread>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "capture/filter.hpp"
#include "capture/packet_ring.hpp"
#include "support/catch.hpp"
#include "support/number_check.hpp"
#include "support/veth_pair.hpp"

namespace base = captured::base;
namespace capture = captured::capture;
namespace flags = captured::packet::flags;
using captured::test::kept_packet;
using captured::test::number_check;
using captured::test::numbered_frame;
using captured::test::open_ring;
using captured::test::small_ring_options;
using captured::test::stop_and_drain;
using captured::test::veth_pair;

namespace {

using frame = std::vector<std::byte>;

frame frame_to(std::initializer_list<unsigned> destination, std::uint32_t number) {
  frame made = numbered_frame(number, 64);
  std::ranges::transform(destination, made.begin(),
                         [](unsigned octet) { return static_cast<std::byte>(octet); });
  return made;
}

/// The frame with tags behind its addresses, outermost first, as it goes over the wire.
frame tagged(frame untagged, std::initializer_list<captured::packet::vlan_tag> tags) {
  std::vector<std::byte> words(4 * tags.size());
  std::byte* to = words.data();
  for (const auto& tag : tags) {
    base::store_big(to, tag.tpid);
    base::store_big(to + 2, tag.tci);
    to += 4;
  }
  untagged.insert(untagged.begin() + 12, words.begin(), words.end());
  return untagged;
}

void send_numbered(const veth_pair& pair, std::uint32_t from, std::uint32_t to) {
  for (std::uint32_t i = from; i < to; ++i) {
    pair.send(numbered_frame(i, 64 + i % 512));
  }
}

/// Sends numbered frames on a thread of its own until it is stopped.
class endless_sender {
 public:
  explicit endless_sender(const veth_pair& pair)
      : thread_([this, &pair] {
          while (!stopped_.load()) {
            pair.send(numbered_frame(sent_.load(), 64));
            sent_.fetch_add(1);
          }
        }) {}
  ~endless_sender() { stop(); }
  /// Returns when so many more have been sent: however busy the machine is.
  void wait_for_frames(std::uint32_t count) const {
    for (const std::uint32_t begun = sent_.load(); sent_.load() - begun < count;) {
      std::this_thread::yield();
    }
  }
  void stop() {
    stopped_.store(true);
    if (thread_.joinable()) {
      thread_.join();
    }
  }

 private:
  std::atomic<bool> stopped_{false};
  std::atomic<std::uint32_t> sent_{0};
  std::thread thread_;
};

}  // namespace

TEST_CASE("frames arrive once each, in order, with their octets, lengths and times") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  const auto ring = open_ring(pair->ring_end(), small_ring_options());
  const auto now = [] {
    return base::to_epoch_ns(
        std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now()));
  };
  const std::uint64_t begun = now();
  send_numbered(*pair, 0, 1000);
  pair->settle();
  const auto kept = stop_and_drain(*ring);
  REQUIRE(kept.size() == 1000);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    REQUIRE(captured::test::number_of(kept[i].data) == i);
    REQUIRE(kept[i].data.size() == 64 + i % 512);
    REQUIRE(kept[i].facts.original_length == kept[i].data.size());
    REQUIRE(kept[i].facts.vlan.tpid == 0);
    REQUIRE(kept[i].facts.timestamp_ns >= begun);
    REQUIRE(kept[i].facts.timestamp_ns <= now());
  }
  const auto sums = ring->statistics();
  CHECK(sums.packets_total == 1000);
  CHECK(sums.drops_total == 0);
}

TEST_CASE("direction and reception are those of the frame's destination") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  captured::test::run("ip link set ring0 address 02:00:00:00:00:01");
  const auto ring = open_ring(pair->ring_end(), small_ring_options());
  pair->send(frame_to({0x02, 0, 0, 0, 0, 1}, 0));
  pair->send(frame_to({0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 1));
  pair->send(frame_to({0x01, 0, 0x5e, 0, 0, 1}, 2));
  pair->send(frame_to({0x02, 0, 0, 0, 0, 9}, 3));
  pair->settle();
  pair->send_from_ring_end(frame_to({0x02, 0, 0, 0, 0, 9}, 4));
  const auto kept = stop_and_drain(*ring);
  REQUIRE(kept.size() == 5);
  constexpr std::uint32_t what = flags::direction_mask | flags::reception_mask;
  CHECK((kept[0].facts.packet_flags & what) == (flags::inbound | flags::unicast));
  CHECK((kept[1].facts.packet_flags & what) == (flags::inbound | flags::broadcast));
  CHECK((kept[2].facts.packet_flags & what) == (flags::inbound | flags::multicast));
  CHECK((kept[3].facts.packet_flags & what) == (flags::inbound | flags::promiscuous));
  CHECK((kept[4].facts.packet_flags & what) == flags::outbound);
}

TEST_CASE("a ring too small loses and counts to the packet, and says where") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  auto options = small_ring_options();
  options.ring.size_bytes = std::uint64_t{4} << 16;
  const auto ring = open_ring(pair->ring_end(), options);

  constexpr std::uint32_t sent = 100'000;
  std::atomic<bool> finished{false};
  std::thread sender([&] {
    send_numbered(*pair, 0, sent);
    finished.store(true);
  });
  number_check numbers;
  const auto take_all = [&](std::chrono::microseconds pause) {
    while (const auto index = ring->try_take()) {
      numbers.look(*ring, *index);
      std::this_thread::sleep_for(pause);
      ring->release(*index);
    }
  };
  while (!finished.load()) {
    take_all(std::chrono::milliseconds(2));
  }
  sender.join();
  pair->settle();
  REQUIRE(ring->reject_all().has_value());
  std::this_thread::sleep_for(3 * ring->timeout());
  take_all(std::chrono::microseconds(0));

  const auto sums = ring->statistics();
  CHECK(numbers.faults() == 0);
  CHECK(numbers.misplaced() == 0);
  CHECK(sums.packets_total == sent);
  CHECK(sums.drops_total > 0);
  CHECK(sums.freezes_total > 0);
  CHECK(numbers.seen() + sums.drops_total == sent);
  // What fell behind the last stored packet is the remainder.
  CHECK(numbers.losses_told() + (sent - numbers.next()) == sums.drops_total);
}

TEST_CASE("the exact stop: reject all, wait, drain, read, and the figures are equal") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  endless_sender sender(*pair);
  for (int trial = 0; trial < 20; ++trial) {
    const auto ring = open_ring(pair->ring_end(), small_ring_options());
    sender.wait_for_frames(100);
    pair->settle();
    const auto kept = stop_and_drain(*ring);
    const auto sums = ring->statistics();
    CHECK_FALSE(kept.empty());
    CHECK(sums.packets_total == kept.size() + sums.drops_total);
    std::this_thread::sleep_for(2 * ring->timeout());
    CHECK_FALSE(ring->try_take());
    CHECK(ring->statistics().packets_total == sums.packets_total);
  }
  sender.stop();
}

TEST_CASE("no packet passes that the filter rejects, however the ring comes up") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  auto options = small_ring_options();
  options.filter = "ether proto 0x1234";
  endless_sender sender(*pair);
  std::uint64_t passed = 0;
  for (int trial = 0; trial < 20; ++trial) {
    const auto ring = open_ring(pair->ring_end(), options);
    sender.wait_for_frames(100);
    passed += stop_and_drain(*ring).size() + ring->statistics().packets_total;
  }
  sender.stop();
  CHECK(passed == 0);
}

TEST_CASE("a filter is exchanged under traffic without losing what both accept") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  const auto ring = open_ring(pair->ring_end(), small_ring_options());
  auto other_options = small_ring_options();
  other_options.filter = "ether proto 0x88b5";
  const auto other = capture::compile_filter(pair->ring_end(), other_options).value();
  std::thread sender([&] { send_numbered(*pair, 0, 2000); });
  for (int i = 0; i < 500; ++i) {
    CHECK(ring->attach_filter(i % 2 == 0 ? other : capture::accept_all(1000)).has_value());
  }
  sender.join();
  pair->settle();
  CHECK(stop_and_drain(*ring).size() == 2000);
}

TEST_CASE("the snaplen cuts in the kernel and the length on the wire is kept") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  auto options = small_ring_options();
  options.snaplen = 40;
  for (const char* const filter : {"", "ether proto 0x88b5"}) {
    options.filter = filter;
    const auto ring = open_ring(pair->ring_end(), options);
    pair->send(numbered_frame(3, 1000));
    pair->send(numbered_frame(4, 30));
    pair->settle();
    const auto kept = stop_and_drain(*ring);
    REQUIRE(kept.size() == 2);
    CHECK(kept[0].data.size() == 40);
    CHECK(captured::test::number_of(kept[0].data) == 3u);
    CHECK(kept[0].facts.original_length == 1000);
    CHECK(kept[1].data.size() == 30);
    CHECK(kept[1].facts.original_length == 30);
  }
}

TEST_CASE("the outer VLAN tag stands beside the packet, with its own TPID and priority") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  const auto ring = open_ring(pair->ring_end(), small_ring_options());
  pair->send(tagged(numbered_frame(0, 100), {{.tpid = 0x8100, .tci = 0xe064}}));
  pair->send(tagged(numbered_frame(1, 100), {{.tpid = 0x88a8, .tci = 0x7001}}));
  pair->send(tagged(numbered_frame(2, 100),
                    {{.tpid = 0x88a8, .tci = 0x0007}, {.tpid = 0x8100, .tci = 0x2008}}));
  pair->send(tagged(numbered_frame(3, 100), {{.tpid = 0x8100, .tci = 0}}));
  pair->settle();
  const auto kept = stop_and_drain(*ring);
  REQUIRE(kept.size() == 4);
  CHECK(kept[0].facts.vlan.tpid == 0x8100);
  CHECK(kept[0].facts.vlan.tci == 0xe064);
  CHECK(captured::test::number_of(kept[0].data) == 0u);
  CHECK(kept[0].facts.original_length == 100);
  CHECK(kept[1].facts.vlan.tpid == 0x88a8);
  CHECK(kept[1].facts.vlan.tci == 0x7001);
  CHECK(captured::test::number_of(kept[1].data) == 1u);
  CHECK(kept[2].facts.vlan.tpid == 0x88a8);
  CHECK(kept[2].facts.vlan.tci == 7);
  CHECK(base::load_big<std::uint32_t>(kept[2].data.data() + 12) == 0x81002008);
  CHECK(kept[3].facts.vlan.tpid == 0x8100);
  CHECK(kept[3].facts.vlan.tci == 0);
}

TEST_CASE("several rings on one device share its frames, each frame once") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  const auto device = pair->ring_end();
  endless_sender sender(*pair);
  std::vector<std::unique_ptr<capture::packet_ring>> rings;
  for (int i = 0; i < 3; ++i) {
    rings.push_back(
        capture::packet_ring::open(device, small_ring_options(), capture::reject_all()).value());
  }
  for (const auto& ring : rings) {
    REQUIRE(ring->join_fanout(4711, capture::fanout_mode::load_balance).has_value());
  }
  for (const auto& ring : rings) {
    REQUIRE(ring->attach_filter(capture::accept_all(262144)).has_value());
  }
  sender.wait_for_frames(1000);
  sender.stop();
  pair->settle();
  std::set<std::uint32_t> numbers;
  std::size_t count = 0;
  for (const auto& ring : rings) {
    const auto kept = stop_and_drain(*ring);
    CHECK_FALSE(kept.empty());
    count += kept.size();
    for (const auto& packet : kept) {
      numbers.insert(captured::test::number_of(packet.data).value());
    }
  }
  CHECK(numbers.size() == count);
}
