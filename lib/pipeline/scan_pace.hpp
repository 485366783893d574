// SPDX-License-Identifier: MIT
//
// For how long rings may be left alone after blocks were found in them. A wake-up for each block is
// cheap on a slow link; on a fast one it costs more than the block, so blocks are fetched a few at
// a time. Plain figures: no clock, ring or timer.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "base/time.hpp"

namespace captured::pipeline {

/// What is known of one ring.
struct ring_pace {
  std::uint32_t blocks = 0;            ///< that it has
  std::chrono::nanoseconds filled_in;  ///< by its link at full speed
  base::steady_time found_at{};        ///< when blocks were found last
  std::chrono::nanoseconds per_block = std::chrono::nanoseconds::max();  ///< between blocks, lately

  /// Blocks were found, or none.
  void on_scan(std::uint32_t found, base::steady_time now) noexcept;
};

/// A ring of that size on a link that carries `speed_bits` a second; 0 when that is not known.
[[nodiscard]] ring_pace pace_of(std::uint32_t blocks, std::uint64_t ring_bytes,
                                std::uint64_t speed_bits) noexcept;

/// The pause until the next look: 0 when each block should be told of. Meanwhile no ring fills by
/// more than a sixteenth at its present rate, nor by more than three eighths if its link is
/// suddenly used in full. To begin with pauses takes more blocks than to stay with them, since the
/// change costs something.
[[nodiscard]] std::chrono::nanoseconds pause_of(std::span<const ring_pace> rings,
                                                base::steady_time now, bool pausing) noexcept;

}  // namespace captured::pipeline
