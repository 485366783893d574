// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <deque>
#include <random>
#include <thread>
#include <vector>

#include <boost/lockfree/spsc_queue.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.hpp"
#include "capture/block_ring.hpp"
#include "support/catch.hpp"
#include "support/number_check.hpp"
#include "support/scripted_source.hpp"

namespace base = captured::base;
namespace capture = captured::capture;
using captured::test::number_check;
using captured::test::numbered_frame;
using captured::test::scripted_source;

namespace {

constexpr std::size_t frame_bytes = 60;
constexpr std::uint32_t frames_in_block = 28;  // of 144 octets each in 4096 behind a head of 48

bool produce(scripted_source& source, std::uint32_t number) {
  const auto frame = numbered_frame(number, frame_bytes);
  return source.produce({.timestamp_ns = number, .data = frame});
}

void fill_blocks(scripted_source& source, std::uint32_t blocks) {
  for (std::uint32_t i = 0; i < blocks * frames_in_block; ++i) {
    produce(source, i);
  }
  source.retire();
}

/// Gives a block back in a child process: does it end by SIGABRT?
bool release_aborts(scripted_source& source, std::uint32_t index) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    std::fclose(stderr);
    source.release(index);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

}  // namespace

TEST_CASE("nothing is taken before a block is full or its timer fires") {
  scripted_source source;
  CHECK_FALSE(source.try_take());
  for (std::uint32_t i = 0; i < frames_in_block; ++i) {
    produce(source, i);
  }
  CHECK_FALSE(source.try_take());
  source.retire();
  CHECK(source.try_take() == 0u);
  CHECK_FALSE(source.try_take());
}

TEST_CASE("blocks are taken in the order of filling, each once, over many rounds") {
  scripted_source source({.block_count = 3});
  for (std::uint32_t i = 0; i < 20; ++i) {
    fill_blocks(source, 1);
    CHECK(source.try_take() == i % 3);
    CHECK_FALSE(source.try_take());
    source.release(i % 3);
  }
  CHECK(source.releases() == 20);
}

TEST_CASE("a ring whose every block is held offers none of them again") {
  scripted_source source({.block_count = 3});
  fill_blocks(source, 5);
  for (std::uint32_t i = 0; i < 3; ++i) {
    REQUIRE(source.try_take() == i);
  }
  CHECK_FALSE(source.try_take());
  source.release(1);
  CHECK_FALSE(source.try_take());
  source.release(0);
  CHECK_FALSE(source.try_take());
  fill_blocks(source, 1);
  CHECK(source.try_take() == 0u);
}

TEST_CASE("a block on its way back is not offered again to a taker that looks all the time") {
  scripted_source source({.block_count = 2});
  fill_blocks(source, 2);
  REQUIRE(source.try_take() == 0u);
  REQUIRE(source.try_take() == 1u);
  constexpr std::uint32_t rounds = 1500;
  std::atomic<std::uint32_t> round{0};
  std::uint32_t offered = 0;
  // Two blocks are given back and two new ones taken in each round; the script fills them only when
  // both are back, so that whatever is offered in between is an old block.
  std::thread releaser([&] {
    for (std::uint32_t i = 0; i < rounds; ++i) {
      while (round.load() != 2 * i) {
        std::this_thread::yield();
      }
      source.release(0);
      source.release(1);
      round.store(2 * i + 1);
    }
  });
  for (std::uint32_t i = 0; i < rounds; ++i) {
    while (round.load() != 2 * i + 1) {
      offered += source.try_take() ? 1u : 0u;
    }
    fill_blocks(source, 2);
    REQUIRE(source.try_take() == 0u);
    REQUIRE(source.try_take() == 1u);
    round.store(2 * i + 2);
  }
  releaser.join();
  CHECK(offered == 0);
}

TEST_CASE("a block given back twice, or after its status was cleared, ends the program") {
  scripted_source source;
  fill_blocks(source, 2);
  REQUIRE(source.try_take() == 0u);
  REQUIRE(source.try_take() == 1u);
  source.release(0);
  CHECK(release_aborts(source, 0));
  CHECK_FALSE(release_aborts(source, 1));
  source.block_memory(1)[8] = std::byte{2};
  CHECK(release_aborts(source, 1));
}

TEST_CASE("a held block may be overwritten, all but the bit that keeps the kernel away") {
  scripted_source source({.block_count = 2});
  for (int round = 0; round < 6; ++round) {
    fill_blocks(source, 2);
    for (std::uint32_t i = 0; i < 2; ++i) {
      REQUIRE(source.try_take() == i);
      std::ranges::fill(source.block_memory(i), std::byte{0xff});
    }
    CHECK_FALSE(source.try_take());
    source.release(0);
    CHECK_FALSE(source.try_take());
    source.release(1);
    CHECK_FALSE(source.try_take());
  }
  CHECK(source.statistics().drops_total == 0);
}

TEST_CASE("a lease gives its block back once, however it was moved") {
  scripted_source source;
  fill_blocks(source, 1);
  {
    capture::block_lease lease(source, source.try_take().value());
    capture::block_lease moved(std::move(lease));
    CHECK_FALSE(lease);
    CHECK(moved.memory().size() == 4096);
    CHECK(source.releases() == 0);
    lease = std::move(moved);
    CHECK(source.releases() == 0);
  }
  CHECK(source.releases() == 1);
}

TEST_CASE("the memory of a block that was given back is overwritten by the test's ring") {
  scripted_source source;
  fill_blocks(source, 1);
  const std::uint32_t index = source.try_take().value();
  const auto memory = source.block_memory(index);
  source.release(index);
  CHECK(memory[0] == scripted_source::poison);
  CHECK(memory.back() == scripted_source::poison);
  CHECK(base::load_native<std::uint32_t>(memory.data() + 8) == TP_STATUS_KERNEL);
}

TEST_CASE("a full ring drops and counts, and says before which block") {
  scripted_source source({.block_count = 2});
  std::uint32_t stored = 0;
  for (std::uint32_t i = 0; i < 100; ++i) {
    stored += produce(source, i) ? 1u : 0u;
  }
  CHECK(stored == 2 * frames_in_block);
  REQUIRE(source.try_take() == 0u);
  CHECK(source.losses_before(0) == 0);
  source.release(0);
  CHECK(produce(source, 100));
  source.retire();
  REQUIRE(source.try_take() == 1u);
  CHECK(source.losses_before(1) == 0);
  source.release(1);
  REQUIRE(source.try_take() == 0u);
  CHECK(source.losses_before(0) == 100 - stored);
  const auto sums = source.statistics();
  CHECK(sums.packets_total == 101);
  CHECK(sums.drops_total == 100 - stored);
  CHECK(sums.freezes_total == 2);  // once full, and once more when its second block was still held
}

TEST_CASE("sums have 64 bits although the producer's counters have 32 and reset on reading") {
  scripted_source source;
  for (int i = 0; i < 3; ++i) {
    source.lose(0xffffffff);
    static_cast<void>(source.statistics());
  }
  CHECK(source.statistics().drops_total == 3ull * 0xffffffff);
  CHECK(source.counter_reads() == 4);
}

TEST_CASE("under any order of events the gaps lie exactly where the ring says") {
  const auto seed = GENERATE(range(1u, 41u));
  std::mt19937 random(seed);
  scripted_source source({.block_count = 2 + seed % 5});
  number_check numbers;
  std::vector<std::uint32_t> held;
  std::uint64_t stored = 0;
  std::uint32_t sent = 0;
  const auto take = [&] {
    if (const auto index = source.try_take()) {
      numbers.look(source, *index);
      held.push_back(*index);
    }
  };
  const auto release_any = [&] {
    const auto chosen = held.begin() + static_cast<std::ptrdiff_t>(random() % held.size());
    source.release(*chosen);
    held.erase(chosen);
  };
  for (int step = 0; step < 5000; ++step) {
    const auto dice = random() % 100;
    if (dice < 90) {
      stored += produce(source, sent++) ? 1u : 0u;
    } else if (dice < 92) {
      source.retire();
    } else if (dice < 96) {
      take();
    } else if (dice < 97) {
      static_cast<void>(source.statistics());
    } else if (!held.empty()) {
      release_any();
    }
  }
  for (std::uint32_t i = 0; i <= source.block_count(); ++i) {
    source.retire();
    take();
    while (!held.empty()) {
      release_any();
    }
  }
  INFO("seed " << seed);
  CHECK(numbers.faults() == 0);
  CHECK(numbers.misplaced() == 0);
  CHECK(numbers.seen() == stored);
  const auto sums = source.statistics();
  CHECK(sums.packets_total == sent);
  CHECK(sums.packets_total == stored + sums.drops_total);
  CHECK(numbers.losses_told() <= sums.drops_total);
  CHECK(sums.drops_total > 0);
}

TEST_CASE("one thread fills and takes, another reads and gives back, and nothing is lost between") {
  constexpr std::uint32_t frames = 200'000;
  scripted_source source({.block_count = 8});
  boost::lockfree::spsc_queue<std::uint32_t> queue(8);
  std::atomic<bool> finished{false};
  std::uint64_t stored = 0;
  std::uint64_t refused_pushes = 0;

  std::thread reactor([&] {
    const auto take_all = [&] {
      while (const auto index = source.try_take()) {
        refused_pushes += queue.push(*index) ? 0u : 1u;
      }
    };
    for (std::uint32_t i = 0; i < frames; ++i) {
      stored += produce(source, i) ? 1u : 0u;
      take_all();
    }
    source.retire();
    take_all();
    finished.store(true, std::memory_order_release);
  });

  number_check numbers;
  std::deque<std::uint32_t> held;
  const auto release_one = [&](bool newest) {
    const std::uint32_t index = newest ? held.back() : held.front();
    newest ? held.pop_back() : held.pop_front();
    source.release(index);
  };
  for (;;) {
    const bool last_round = finished.load(std::memory_order_acquire);
    std::uint32_t index = 0;
    while (queue.pop(index)) {
      numbers.look(source, index);
      held.push_back(index);
      if (held.size() > 2) {
        release_one(numbers.seen() % 3 == 0);
      }
    }
    if (last_round) {
      break;
    }
    std::this_thread::yield();
  }
  reactor.join();
  while (!held.empty()) {
    release_one(false);
  }
  CHECK(refused_pushes == 0);
  CHECK(numbers.faults() == 0);
  CHECK(numbers.seen() == stored);
  const auto sums = source.statistics();
  CHECK(sums.packets_total == frames);
  CHECK(sums.packets_total == stored + sums.drops_total);
}

namespace {

/// A ring whose blocks are handed over by hand and whose counters are a list of readings.
class listed_ring final : public capture::block_ring {
 public:
  explicit listed_ring(std::span<std::byte> memory) : block_ring(memory, 4096) {}
  void hand_over(std::uint32_t index) { status(index).store(TP_STATUS_USER); }
  std::deque<capture::producer_counters> readings;

 private:
  capture::producer_counters read_counters() noexcept override {
    if (readings.empty()) {
      return {};
    }
    const auto reading = readings.front();
    readings.pop_front();
    return reading;
  }
};

}  // namespace

TEST_CASE("what a frozen ring lost while its block was on the way back lies before that block") {
  base::mapping memory = base::mapping::anonymous(std::size_t{2} * 4096).value();
  listed_ring ring(memory.bytes());
  ring.hand_over(0);
  ring.hand_over(1);
  REQUIRE(ring.try_take() == 0u);
  REQUIRE(ring.try_take() == 1u);
  ring.readings = {{.packets = 9, .drops = 9, .freezes = 1}, {.packets = 2, .drops = 2}};
  ring.release(0);
  CHECK(ring.losses_before(0) == 11);
  CHECK(ring.readings.empty());
}

TEST_CASE("a ring with a free block loses nothing and is asked once a turn") {
  base::mapping memory = base::mapping::anonymous(std::size_t{2} * 4096).value();
  listed_ring ring(memory.bytes());
  ring.readings = {{.packets = 4}, {.packets = 7}};
  for (const std::uint32_t index : {0u, 1u}) {
    CHECK(ring.readings.size() == 2);
    ring.hand_over(index);
    REQUIRE(ring.try_take() == index);
    ring.release(index);
  }
  CHECK(ring.readings.size() == 1);
  CHECK(ring.statistics().packets_total == 11);
}
