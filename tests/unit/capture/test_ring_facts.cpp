// SPDX-License-Identifier: MIT
#include "capture/clock_state.hpp"
#include "capture/ring_facts.hpp"
#include "support/catch.hpp"

namespace capture = captured::capture;
using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

namespace {

double seconds_survived(const capture::ring_options& ring, std::uint64_t bits,
                        std::uint32_t wire_bytes) {
  return duration<double>(capture::stall_survived(ring, bits, wire_bytes)).count();
}

}  // namespace

TEST_CASE("a ring on a fast link survives as long as it takes to fill") {
  // 10 Gbit/s of 1514 octets: 812,744 packets a second, 1600 octets each in the ring.
  const capture::ring_options ring;  // 64 MiB of 1 MiB, 100 ms
  CHECK(seconds_survived(ring, 10'000'000'000, 1514) == Approx(0.0516).epsilon(0.01));
  // 64 octets: 14.2 million a second, 152 octets each.
  CHECK(seconds_survived(ring, 10'000'000'000, 64) == Approx(0.0311).epsilon(0.01));
  auto larger = ring;
  larger.size_bytes *= 32;
  CHECK(seconds_survived(larger, 10'000'000'000, 1514) == Approx(32 * 0.0516).epsilon(0.01));
}

TEST_CASE("a ring on a slow link survives as many timeouts as it has blocks") {
  capture::ring_options ring;
  CHECK(seconds_survived(ring, 1'000'000, 1514) == Approx(6.4));
  ring.timeout = milliseconds(10);
  CHECK(seconds_survived(ring, 1'000'000, 1514) == Approx(0.64));
}

TEST_CASE("a link whose rate is not known has no figure to warn by") {
  CHECK(capture::stall_survived({}, 0, 1514) == nanoseconds::max());
  CHECK(capture::stall_survived({.block_bytes = 0}, 1000, 1514) == nanoseconds::max());
}

TEST_CASE("the longest packet is a block without its heads") {
  CHECK(capture::longest_packet(1u << 20, capture::framing::ethernet) == (1u << 20) - 132);
  CHECK(capture::longest_packet(4096, capture::framing::bare) == 4096 - 144);
  CHECK(capture::longest_packet(4096, capture::framing::cooked) == 4096 - 128);
  CHECK(capture::longest_packet(100, capture::framing::ethernet) == 0);
}

TEST_CASE("the clock's state is what the kernel says of it") {
  const auto state = capture::read_clock_state();
  if (!state) {
    WARN("SKIPPED: this kernel does not say");
    return;
  }
  CHECK(state->error_max.count() >= 0);
  // The kernel gives a clock up when it may be wrong by 16 s, and says so of none that is better.
  CHECK_FALSE((state->synchronised && state->error_max >= std::chrono::seconds(16)));
}
