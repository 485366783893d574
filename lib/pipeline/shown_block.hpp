// SPDX-License-Identifier: MIT
//
// A block as a tap shows it, and the packets of it that are meant: not those that a former life of
// the recorder dealt with, nor those that are shown from elsewhere. Not for recording, which has
// its own way through a block.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "capture/frame_cursor.hpp"
#include "packet/packet_view.hpp"

namespace captured::pipeline {

/// A view. The memory must not be changed, but for the cooked headers that frame_cursor makes.
struct shown_block {
  std::span<std::byte> memory = {};
  capture::framing form = capture::framing::ethernet;
  std::uint32_t packets_done = 0;  ///< at its beginning; see block_source::packets_done
  std::uint64_t from_ns = 0;       ///< packets with an earlier time are not meant
  std::uint64_t until_ns = std::numeric_limits<std::uint64_t>::max();  ///< nor of this or a later

  /// How many packets are meant, where that can be said without looking at each.
  [[nodiscard]] std::optional<std::uint32_t> packet_count() const noexcept {
    if (from_ns != 0 || until_ns != std::numeric_limits<std::uint64_t>::max()) {
      return std::nullopt;
    }
    const std::uint32_t all = capture::read_block_head(memory).packet_count;
    return all - std::min(all, packets_done);
  }
};

/// Steps through the packets that are meant, as frame_cursor does through all.
class shown_packets {
 public:
  explicit shown_packets(const shown_block& of) noexcept
      : of_(of), left_(of.packets_done), cursor_(of.memory, of.form) {}

  [[nodiscard]] bool next(packet::packet_view& packet) noexcept {
    while (cursor_.next(packet)) {
      if (left_ != 0) {
        --left_;
      } else if (packet.timestamp_ns >= of_.from_ns && packet.timestamp_ns < of_.until_ns) {
        return true;
      }
    }
    return false;
  }

 private:
  shown_block of_;
  std::uint32_t left_;
  capture::frame_cursor cursor_;
};

}  // namespace captured::pipeline
