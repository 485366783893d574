// SPDX-License-Identifier: MIT
//
// Where the consumer of a ring that was left behind really stands: what its journal says was given
// back, and what was dealt with of the blocks that it still held. Arithmetic on the ring's memory;
// what was dealt with is found out by whoever looks at the files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "capture/ring_journal.hpp"

namespace captured::capture {

/// Of a ring, since it was made: as ring_progress counts.
struct dealt_with {
  std::uint64_t packets_total = 0;
  std::uint64_t losses_told = 0;
};

/// Moves the progress on, over packets of blocks that are in use, until so many are dealt with;
/// never back, and never beyond what the ring holds.
[[nodiscard]] ring_progress catch_up(std::span<std::byte> memory, std::uint32_t block_bytes,
                                     ring_progress from, const dealt_with& to) noexcept;

}  // namespace captured::capture
