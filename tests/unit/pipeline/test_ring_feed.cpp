// SPDX-License-Identifier: MIT
#include <thread>

#include "capture/frame_cursor.hpp"
#include "pipeline/ring_feed.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"

using captured::pipeline::ring_feed;
using captured::test::numbered_frame;
using captured::test::scripted_source;

namespace {

/// A ring of whose first block a former life has dealt with three packets.
class half_done_source final : public captured::capture::block_source {
 public:
  explicit half_done_source(scripted_source& of) : of_(of) {}
  [[nodiscard]] std::uint32_t block_count() const noexcept override { return of_.block_count(); }
  [[nodiscard]] std::span<std::byte> block_memory(std::uint32_t index) noexcept override {
    return of_.block_memory(index);
  }
  [[nodiscard]] std::optional<std::uint32_t> try_take() noexcept override { return of_.try_take(); }
  [[nodiscard]] std::uint64_t losses_before(std::uint32_t index) const noexcept override {
    return of_.losses_before(index);
  }
  [[nodiscard]] std::uint32_t packets_done(std::uint32_t index) const noexcept override {
    return index == 0 ? 3 : 0;
  }
  void release(std::uint32_t index) noexcept override { of_.release(index); }
  [[nodiscard]] captured::capture::ring_statistics statistics() noexcept override {
    return of_.statistics();
  }

 private:
  scripted_source& of_;
};

/// Notes which packets it is shown.
class number_listener final : public captured::pipeline::block_listener {
 public:
  void on_block(const captured::pipeline::shown_block& block) override {
    counted += block.packet_count().value_or(0);
    captured::pipeline::shown_packets packets(block);
    for (captured::packet::packet_view packet; packets.next(packet);) {
      numbers.push_back(captured::test::number_of(packet.data).value());
    }
  }
  std::vector<std::uint32_t> numbers;
  std::uint32_t counted = 0;
};

}  // namespace

TEST_CASE("a feed that is closed is drained only when its last block was taken") {
  scripted_source source;
  ring_feed feed(source);
  CHECK_FALSE(feed.drained());
  source.produce({.data = numbered_frame(1, 64)});
  source.retire();
  CHECK(feed.offer_finished_blocks() == 1);
  feed.close();
  CHECK(feed.closed());
  CHECK_FALSE(feed.drained());
  CHECK(feed.peek().has_value());
  CHECK(feed.take().has_value());
  CHECK(feed.drained());
  CHECK_FALSE(feed.take().has_value());
}

TEST_CASE("what a former life dealt with of a block is not shown to a tap again") {
  scripted_source source;
  half_done_source taken_over(source);
  captured::pipeline::packet_tap tap;
  number_listener seen;
  tap.attach(seen);
  ring_feed feed(taken_over, &tap);
  for (std::uint32_t i = 0; i < 10; ++i) {
    source.produce({.timestamp_ns = 100 + i, .data = numbered_frame(i, 64)});
    if (i % 5 == 4) {
      source.retire();
    }
  }
  CHECK(feed.offer_finished_blocks() == 2);
  CHECK(seen.numbers == std::vector<std::uint32_t>{3, 4, 5, 6, 7, 8, 9});
  CHECK(seen.counted == 7);
}

TEST_CASE("of a block those packets are meant that are of the time in question") {
  scripted_source source;
  for (std::uint32_t i = 0; i < 10; ++i) {
    source.produce({.timestamp_ns = 100 + i, .data = numbered_frame(i, 64)});
  }
  source.retire();
  captured::pipeline::shown_block block{.memory = source.block_memory(*source.try_take())};
  CHECK(block.packet_count() == 10u);
  block.from_ns = 103;
  block.until_ns = 106;
  block.packets_done = 4;
  CHECK_FALSE(block.packet_count().has_value());
  number_listener seen;
  seen.on_block(block);
  CHECK(seen.numbers == std::vector<std::uint32_t>{4, 5});
}

TEST_CASE("every block of a ring fits its queue") {
  scripted_source source({.block_count = 7});
  ring_feed feed(source);
  for (int i = 0; i < 7; ++i) {
    source.produce({.data = numbered_frame(1, 64)});
    source.retire();
  }
  CHECK(feed.offer_finished_blocks() == 7);
}

TEST_CASE("blocks pass from one thread to another once and in order") {
  constexpr std::uint32_t packets = 20'000;
  scripted_source source({.block_count = 8});
  ring_feed feed(source);
  std::thread kernel_and_reactor([&] {
    for (std::uint32_t number = 0; number < packets;) {
      number += source.produce({.data = numbered_frame(number, 64)}) ? 1u : 0u;
      if (number % 10 == 0) {
        source.retire();
      }
      feed.offer_finished_blocks();
    }
    source.retire();
    feed.offer_finished_blocks();
    feed.close();
  });
  std::uint32_t expected = 0;
  std::uint32_t wrong = 0;
  while (!feed.drained()) {
    if (auto lease = feed.take()) {
      captured::capture::frame_cursor cursor(lease->memory());
      captured::packet::packet_view packet;
      while (cursor.next(packet)) {
        wrong += captured::test::number_of(packet.data) == expected++ ? 0u : 1u;
      }
    }
  }
  kernel_and_reactor.join();
  CHECK(expected == packets);
  CHECK(wrong == 0);
}
