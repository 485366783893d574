// SPDX-License-Identifier: MIT
//
// Where the consumer of rings that were left behind really stands: what their journals say was
// given back, and what was dealt with of the blocks that he still held. Arithmetic on the rings'
// memory; what was dealt with is found out by whoever looks at the files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "capture/ring_journal.hpp"

namespace captured::capture {

/// Of all rings of a device together, since they were made: as ring_progress counts.
struct dealt_with {
  std::uint64_t packets_total = 0;
  std::uint64_t losses_told = 0;
};

/// One of the rings of a device.
struct left_ring_memory {
  std::span<std::byte> memory;
  ring_progress progress;         ///< as its journal has it
  std::uint64_t drops_total = 0;  ///< as its journal has summed them up
};

/// Can a ring and the progress belong together? Each block that is in use must be the one that the
/// kernel has put there last, of those before it or from it on. Without it nothing else holds.
[[nodiscard]] bool fits_progress(const left_ring_memory& ring, std::uint32_t block_bytes) noexcept;

/// Notes in a held block that its packets are dealt with from now on: after those of all blocks of
/// the device with a lower turn, before those of a higher one. It lies where the kernel has put the
/// time of the block's last packet, which nobody reads, until the kernel fills the block anew. One
/// store.
void note_turn(std::span<std::byte> block, std::uint64_t turn) noexcept;
/// What was noted since the block was filled; nothing when its turn has not come.
[[nodiscard]] std::optional<std::uint64_t> turn_of(std::span<std::byte> block) noexcept;
/// The highest that was noted in a block which is in use; 0 for none.
[[nodiscard]] std::uint64_t newest_turn(std::span<std::byte> memory,
                                        std::uint32_t block_bytes) noexcept;

/// Moves each ring's progress on, over packets of blocks that are in use, in the order of their
/// turns, until so many are dealt with; never back, and never beyond blocks that were begun with.
/// Turns up to `turns_before` are an earlier consumer's: these blocks were not begun with since.
/// Losses that were told are of any ring that has some.
void catch_up(std::span<left_ring_memory> rings, std::uint32_t block_bytes,
              std::uint64_t turns_before, const dealt_with& to) noexcept;

}  // namespace captured::capture
