// SPDX-License-Identifier: MIT
//
// The reactor with rings of the kernel's: that it begins to pause on a fast link, and that whatever
// happens during a pause, no block stays behind.
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "pipeline/capture_reactor.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"
#include "support/veth_pair.hpp"

using namespace captured;
using namespace std::chrono_literals;
using test::numbered_frame;
using test::veth_pair;

namespace {

/// Blocks that fill so fast that the reactor fetches several at a time.
constexpr std::uint32_t block_bytes = 4096;
constexpr std::uint32_t blocks = 1024;

/// So many frames at a time fill a small part of a ring, but that fast even on a busy machine.
constexpr std::uint32_t burst = 256;

/// Longer than any of this takes, however busy the machine is.
constexpr std::chrono::seconds patience{30};

std::chrono::steady_clock::time_point last_moment() {
  return std::chrono::steady_clock::now() + patience;
}

struct ring_in_care {
  std::unique_ptr<capture::ring_group> rings;
  std::unique_ptr<pipeline::ring_feed> feed;
  pipeline::capture_reactor::ring_id id = 0;
  std::uint32_t sent_before = 0;  ///< frames, by the time that it was opened
  std::uint64_t packets = 0;
  std::vector<int> troubles;
};

/// Rings in the care of a reactor, whose handlers run in `run_until` alone: so whether it pauses
/// stays as it is meanwhile.
class care {
 public:
  explicit care(const veth_pair& pair) : pair_(pair) { REQUIRE(reactor_.start().has_value()); }

  ring_in_care& add() {
    lines_.push_back(std::make_unique<ring_in_care>());
    ring_in_care& one = *lines_.back();
    one.sent_before = sent_;
    capture::interface_options options;
    options.name = "ring0";
    options.ring = {.size_bytes = std::uint64_t{block_bytes} * blocks,
                    .block_bytes = block_bytes,
                    .timeout = 100ms};
    const capture::device from = pair_.ring_end();
    const auto program = capture::compile_filter(from, options);
    REQUIRE(program.has_value());
    auto opened = capture::ring_group::open(from, options, 1, *program);
    REQUIRE(opened.has_value());
    one.rings = std::move(*opened);
    one.feed = std::make_unique<pipeline::ring_feed>(*one.rings);
    const auto id = reactor_.add(
        {.ring = one.rings.get(),
         .feed = one.feed.get(),
         .speed_bits = 10'000'000'000,
         .wake = [this] { take(); },
         .trouble = [&one](const base::error_code& why) { one.troubles.push_back(why.value()); }});
    REQUIRE(id.has_value());
    one.id = *id;
    return one;
  }

  /// They are in the rings when it returns.
  void send(std::uint32_t frames) {
    for (std::uint32_t i = 0; i < frames; ++i) {
      pair_.send(numbered_frame(sent_++, 1000));
    }
    const auto end = last_moment();
    for (const auto& one : lines_) {
      while (!one->feed->closed() &&
             one->rings->statistics().packets_total < sent_ - one->sent_before) {
        REQUIRE(std::chrono::steady_clock::now() < end);
        std::this_thread::sleep_for(1ms);
      }
    }
  }
  /// Frames keep coming until the reactor is told of blocks no more, but looks for them.
  void send_until_it_pauses() {
    const auto end = last_moment();
    while (!reactor_.is_pausing()) {
      REQUIRE(std::chrono::steady_clock::now() < end);
      send(burst);
      run();
    }
  }
  template <class Condition>
  void run_until(Condition holds) {
    const auto end = last_moment();
    while (!holds() && std::chrono::steady_clock::now() < end) {
      run();
    }
    CHECK(holds());
  }
  void run() {
    context_.restart();
    context_.poll();
    context_.run_for(1ms);
  }
  void take() {
    for (const auto& one : lines_) {
      while (auto block = one->feed->take()) {
        one->packets += capture::read_block_head(block->memory()).packet_count;
      }
    }
  }
  [[nodiscard]] std::uint32_t sent() const noexcept { return sent_; }
  [[nodiscard]] pipeline::capture_reactor& reactor() noexcept { return reactor_; }

 private:
  const veth_pair& pair_;
  boost::asio::io_context context_;
  std::uint32_t sent_ = 0;
  std::vector<std::unique_ptr<ring_in_care>> lines_;
  pipeline::capture_reactor reactor_{context_.get_executor(), capture::poll_set::create().value()};
};

}  // namespace

TEST_CASE("a pause ends when no more blocks come, and the last one is taken") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  care of(*pair);
  ring_in_care& ring = of.add();
  of.send_until_it_pauses();
  of.run_until([&] { return ring.packets == of.sent(); });
  of.run_until([&] { return !of.reactor().is_pausing(); });
  of.send(1);  // of which the set tells again
  of.run_until([&] { return ring.packets == of.sent(); });
}

TEST_CASE("a ring that is added in a pause gets its blocks, and one that is removed ends exactly") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  care of(*pair);
  ring_in_care& first = of.add();
  of.send_until_it_pauses();
  ring_in_care& second = of.add();
  const auto second_has_all = [&] { return second.packets == of.sent() - second.sent_before; };
  of.send(100);
  of.run_until([&] { return first.packets == of.sent() && second_has_all(); });

  of.send_until_it_pauses();
  const std::uint32_t until = of.sent();
  bool is_removed = false;
  of.reactor().async_remove(first.id,
                            [&](const base::result<>& how) { is_removed = how.has_value(); });
  of.run_until([&] { return is_removed; });
  of.take();
  CHECK(first.packets == until);
  CHECK(first.feed->closed());
  of.send(1);
  of.run_until(second_has_all);
}

TEST_CASE("a stop in a pause takes all that came before") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  care of(*pair);
  ring_in_care& ring = of.add();
  of.send_until_it_pauses();
  bool has_ended = false;
  of.reactor().async_stop(false, [&](const base::result<>& how) { has_ended = how.has_value(); });
  of.run_until([&] { return has_ended; });
  of.take();
  CHECK(ring.packets == of.sent());
  CHECK(of.reactor().ring_count() == 0);
}

TEST_CASE("a link that goes down in a pause is told of, and what came before is taken") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  care of(*pair);
  ring_in_care& ring = of.add();
  of.send_until_it_pauses();
  test::run("ip link set ring0 down");
  of.run_until([&] { return ring.troubles == std::vector<int>{ENETDOWN}; });
  of.run_until([&] { return ring.packets == of.sent(); });
}
