// SPDX-License-Identifier: MIT
//
// Follows the numbers of one stream of frames (numbered_frame) through the blocks of a ring: none
// may come twice, out of order or damaged, and gaps may lie only before a block. Counts, so that
// it can be used on any thread; the test judges the counts.
#pragma once

#include <cstdint>

#include "capture/block_source.hpp"
#include "capture/frame_cursor.hpp"
#include "support/scripted_source.hpp"

namespace captured::test {

class number_check {
 public:
  /// Looks at one held block, in the order of taking; on the thread that releases.
  void look(capture::block_source& source, std::uint32_t index) {
    capture::frame_cursor cursor(source.block_memory(index), source.form());
    packet::packet_view packet;
    const std::uint64_t losses = source.losses_before(index);
    losses_told_ += losses;
    for (bool is_first = true; cursor.next(packet); is_first = false) {
      const auto number = number_of(packet.data);
      if (!number || *number < next_ || (!is_first && *number != next_)) {
        ++faults_;
      } else if (is_first && *number - next_ != losses) {
        ++misplaced_;
      }
      next_ = number.value_or(0) + 1u;
      ++seen_;
    }
    faults_ += cursor.damaged() ? 1u : 0u;
  }

  /// Frames that are damaged, repeated, out of order, or missing within a block.
  [[nodiscard]] std::uint64_t faults() const { return faults_; }
  /// Gaps before a block that differ from what the ring says of them.
  [[nodiscard]] std::uint64_t misplaced() const { return misplaced_; }
  [[nodiscard]] std::uint64_t seen() const { return seen_; }
  /// Sum of what the ring said of gaps.
  [[nodiscard]] std::uint64_t losses_told() const { return losses_told_; }
  /// The number that follows the last one seen.
  [[nodiscard]] std::uint64_t next() const { return next_; }

 private:
  std::uint64_t next_ = 0;
  std::uint64_t faults_ = 0;
  std::uint64_t misplaced_ = 0;
  std::uint64_t seen_ = 0;
  std::uint64_t losses_told_ = 0;
};

}  // namespace captured::test
