// SPDX-License-Identifier: MIT
#include "pipeline/scan_pace.hpp"

#include <algorithm>

namespace captured::pipeline {

namespace {

/// What a link is taken for that tells less, as virtual ones do, and one that does not tell its
/// speed: it may be a fast one that is not up yet.
constexpr std::uint64_t speed_bits_least = 10'000'000'000;
constexpr std::uint64_t speed_bits_unknown = 100'000'000'000;

constexpr std::uint32_t share_at_present_rate = 16;
constexpr double share_at_full_speed = 0.375;

/// Below it a timer costs as much as the wake-ups that it saves; above it packets get late.
constexpr std::chrono::nanoseconds shortest_pause = std::chrono::milliseconds(1);
constexpr std::chrono::nanoseconds longest_pause = std::chrono::milliseconds(20);

/// Blocks in a pause, of all rings, from which on it pays to begin, and below which to end.
constexpr double blocks_to_begin = 1.25;
constexpr double blocks_to_stay = 0.75;

}  // namespace

ring_pace pace_of(std::uint32_t blocks, std::uint64_t ring_bytes,
                  std::uint64_t speed_bits) noexcept {
  const auto bits = static_cast<double>(speed_bits == 0 ? speed_bits_unknown
                                                        : std::max(speed_bits, speed_bits_least));
  const std::chrono::duration<double> seconds(static_cast<double>(ring_bytes) * 8 / bits);
  return {.blocks = blocks,
          .filled_in = std::chrono::duration_cast<std::chrono::nanoseconds>(seconds)};
}

void ring_pace::on_scan(std::uint32_t found, base::steady_time now) noexcept {
  if (found == 0) {
    return;
  }
  per_block = (now - found_at) / found;
  found_at = now;
}

std::chrono::nanoseconds pause_of(std::span<const ring_pace> rings, base::steady_time now,
                                  bool pausing) noexcept {
  std::chrono::nanoseconds pause = longest_pause;
  double blocks_in_longest = 0;
  for (const ring_pace& one : rings) {
    pause = std::min(pause, std::chrono::duration_cast<std::chrono::nanoseconds>(
                                one.filled_in * share_at_full_speed));
    // One that has found nothing for long is slower than it was.
    const auto per_block = std::max(one.per_block, now - one.found_at);
    if (per_block > 2 * longest_pause) {
      continue;
    }
    const auto share = static_cast<double>(one.blocks) / share_at_present_rate;
    const auto fills = static_cast<double>(per_block.count()) * share;
    pause = std::min(pause, std::chrono::nanoseconds(static_cast<std::int64_t>(fills)));
    blocks_in_longest += static_cast<double>(longest_pause.count()) /
                         static_cast<double>(std::max<std::int64_t>(per_block.count(), 1));
  }
  const double expected = blocks_in_longest * static_cast<double>(pause.count()) /
                          static_cast<double>(longest_pause.count());
  const bool pays = expected >= (pausing ? blocks_to_stay : blocks_to_begin);
  return pays && pause >= shortest_pause ? pause : std::chrono::nanoseconds(0);
}

}  // namespace captured::pipeline
