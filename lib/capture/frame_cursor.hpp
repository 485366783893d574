// SPDX-License-Identifier: MIT
//
// Walks the packets of one TPACKET_V3 block (struct tpacket_block_desc, struct tpacket3_hdr in
// linux/if_packet.h). Reads nothing outside the block whatever its octets say. Header-only: this
// runs for each packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "packet/packet_view.hpp"

namespace captured::capture {

/// The head of a block as the kernel leaves it when it retires the block.
struct block_head {
  std::uint32_t packet_count = 0;
  std::uint32_t first_frame_offset = 0;
  std::uint32_t used_bytes = 0;  ///< octets in use, from the start of the block
  std::uint64_t sequence = 0;    ///< counts the blocks of a ring, from 1
};

/// Reads the head; a block too short for one gives zeros.
[[nodiscard]] block_head read_block_head(std::span<const std::byte> block) noexcept;

/// Steps through the frames of one block. Copyable: the position can be kept while the block is
/// held and gone on with later.
class frame_cursor {
 public:
  frame_cursor() noexcept = default;
  /// The block must stay held while the cursor is used.
  explicit frame_cursor(std::span<const std::byte> block) noexcept;

  /// Fills `packet` with the next frame and steps over it; false at the end of the block.
  /// A frame whose fields do not fit the block ends the walk: `damaged()` then says so, and
  /// `remaining()` how many packets could not be reached.
  [[nodiscard]] bool next(packet::packet_view& packet) noexcept;

  [[nodiscard]] std::uint32_t remaining() const noexcept { return remaining_; }
  [[nodiscard]] bool damaged() const noexcept { return damaged_; }

 private:
  std::span<const std::byte> block_;
  std::size_t offset_ = 0;
  std::uint32_t remaining_ = 0;
  bool damaged_ = false;
};

}  // namespace captured::capture
