// SPDX-License-Identifier: MIT
//
// Filters exchanged on a live ring, under traffic.
#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "capture/filter.hpp"
#include "capture/packet_ring.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"
#include "support/veth_pair.hpp"

namespace base = captured::base;
namespace capture = captured::capture;
using captured::test::numbered_frame;
using captured::test::small_ring_options;
using captured::test::veth_pair;

namespace {

struct seen_frame {
  std::uint64_t stamp_ns = 0;
  std::uint32_t number = 0;
  std::uint32_t length = 0;
};

/// Three kinds of frames in turn: the first filter takes kinds 0 and 2, the second 1 and 2.
constexpr std::uint32_t kinds = 3;
constexpr const char* filters[] = {"ether[11] = 0 or ether[11] = 2",
                                   "ether[11] = 1 or ether[11] = 2"};
constexpr std::uint32_t snaplens[] = {200, 100};

std::vector<std::byte> frame_of_kind(std::uint32_t number) {
  auto frame = numbered_frame(number, 300);
  frame[11] = static_cast<std::byte>(number % kinds);
  return frame;
}

capture::filter_program program(const veth_pair& pair, std::size_t which) {
  auto options = small_ring_options();
  options.filter = filters[which];
  options.snaplen = snaplens[which];
  return capture::compile_filter(pair.ring_end(), options).value();
}

/// Takes everything off a ring on a thread of its own until it is stopped.
class collector {
 public:
  explicit collector(capture::packet_ring& ring)
      : ring_(ring), thread_([this] {
          while (!stopped_.load()) {
            take();
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
          }
        }) {}
  ~collector() { stop(); }
  std::vector<seen_frame>& stop() {
    stopped_.store(true);
    if (thread_.joinable()) {
      thread_.join();
      take();
    }
    return frames_;
  }

 private:
  void take() {
    while (const auto index = ring_.try_take()) {
      const capture::block_lease lease(ring_, *index);
      capture::frame_cursor cursor(lease.memory(), lease.form());
      for (captured::packet::packet_view packet; cursor.next(packet);) {
        frames_.push_back({packet.timestamp_ns,
                           captured::test::number_of(packet.data).value_or(0xffffffff),
                           static_cast<std::uint32_t>(packet.data.size())});
      }
    }
  }

  capture::packet_ring& ring_;
  std::vector<seen_frame> frames_;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

/// Which filter may have judged a frame: bit 0 the first, bit 1 the second.
unsigned judges(const std::vector<capture::filter_change>& changes, std::uint64_t stamp_ns) {
  const auto next = std::ranges::upper_bound(changes, base::from_epoch_ns(stamp_ns), {},
                                             &capture::filter_change::before);
  const auto done = next - changes.begin();
  const unsigned now = done % 2 == 0 ? 1 : 2;  // before any change the first holds
  const bool in_between = done != 0 && base::from_epoch_ns(stamp_ns) <= (next - 1)->after;
  return in_between ? 3 : now;
}

}  // namespace

TEST_CASE("filters change 200 times under traffic: what both take is there, and the times hold") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  const capture::filter_program programs[] = {program(*pair, 0), program(*pair, 1)};
  auto options = small_ring_options();
  options.ring.size_bytes = std::uint64_t{64} << 20;
  options.ring.block_bytes = 1u << 18;
  const auto ring = capture::packet_ring::open(pair->ring_end(), options, programs[0]).value();
  collector collected(*ring);

  std::atomic<bool> stopped{false};
  std::uint32_t sent = 0;
  std::thread sender([&] {
    for (; !stopped.load(); ++sent) {
      pair->send(frame_of_kind(sent));
    }
  });
  std::vector<capture::filter_change> changes;
  for (std::size_t i = 0; i < 200; ++i) {
    changes.push_back(ring->change_filter(programs[(i + 1) % 2]).value());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  stopped.store(true);
  sender.join();
  pair->settle();
  REQUIRE(ring->reject_all().has_value());
  std::this_thread::sleep_for(3 * ring->timeout());
  const auto& frames = collected.stop();
  REQUIRE(ring->statistics().drops_total == 0);

  std::vector<std::uint32_t> common;
  std::uint64_t by_kind[kinds] = {};
  std::uint64_t wrongly_judged = 0;
  std::uint64_t undecided = 0;
  for (const auto& frame : frames) {
    REQUIRE(frame.number < sent);
    const std::uint32_t kind = frame.number % kinds;
    const unsigned takers = kind == 0 ? 1 : kind == 1 ? 2 : 3;
    const unsigned cutters = frame.length == snaplens[0] ? 1 : frame.length == snaplens[1] ? 2 : 0;
    const unsigned judge = judges(changes, frame.stamp_ns);
    wrongly_judged += (judge & takers & cutters) == 0 ? 1 : 0;
    undecided += judge == 3 ? 1 : 0;
    ++by_kind[kind];
    if (kind == 2) {
      common.push_back(frame.number);
    }
  }
  CHECK(wrongly_judged == 0);
  CHECK(undecided < frames.size());
  CHECK(by_kind[0] > 0);
  CHECK(by_kind[1] > 0);
  // Of the common kind each frame that was sent is there, once, in order.
  REQUIRE(common.size() == sent / kinds);
  for (std::uint32_t i = 0; i < common.size(); ++i) {
    REQUIRE(common[i] == i * kinds + 2);
  }
  for (std::size_t i = 1; i < changes.size(); ++i) {
    REQUIRE(changes[i - 1].after < changes[i].before);
    REQUIRE(changes[i].before < changes[i].after);
  }
}

TEST_CASE("a filter that the kernel refuses leaves the one before") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  const auto ring =
      capture::packet_ring::open(pair->ring_end(), small_ring_options(), program(*pair, 0)).value();
  const auto refused = ring->change_filter({{{0xffff, 0, 0, 0}}});
  REQUIRE(refused.has_error());
  CHECK(refused.error().message() == "attach filter to ring0: Invalid argument");
  for (std::uint32_t i = 0; i < 30; ++i) {
    pair->send(frame_of_kind(i));
  }
  pair->settle();
  CHECK(captured::test::stop_and_drain(*ring).size() == 20);
}
