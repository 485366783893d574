// SPDX-License-Identifier: MIT
//
// Turns the packets of a ring block into Enhanced Packet Blocks, or into what else a file holds,
// compactly, by copying them. Runs for each packet: no call to the system, no allocation, no lock,
// no log line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "capture/block_source.hpp"
#include "capture/frame_cursor.hpp"
#include "format/packet_block_encoder.hpp"
#include "packet/packet_view.hpp"

namespace captured::pipeline {

/// For whom the packets are encoded.
struct encode_target {
  std::uint32_t interface_id = 0;          ///< of the file's section
  std::uint32_t snaplen = 0;               ///< a restored VLAN tag does not lift a packet above it
  std::uint32_t queue = format::no_queue;  ///< as in in_place_target
};

/// What one call has done.
struct encode_progress {
  std::size_t octets = 0;     ///< written into the room
  std::uint32_t packets = 0;  ///< encoded
  std::uint64_t captured_octets = 0;
  std::uint32_t steps_back = 0;  ///< packets stamped before their predecessor
  std::size_t needed = 0;        ///< room that the next packet wants, when that is the reason
  bool block_ended = false;
};

/// A held block and how far it is encoded. Gives the block back when it is destroyed or reset.
class block_in_work {
 public:
  block_in_work() noexcept = default;
  explicit block_in_work(capture::block_lease lease) noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(lease_); }
  /// Packets not yet encoded.
  [[nodiscard]] std::uint32_t remaining() const noexcept {
    return cursor_.remaining() + (has_pending_ ? 1u : 0u);
  }
  [[nodiscard]] bool damaged() const noexcept { return cursor_.damaged(); }
  /// Losses that the next packet will report.
  [[nodiscard]] std::uint64_t losses() const noexcept { return losses_; }

  /// Is no packet of it encoded yet?
  [[nodiscard]] bool untouched() const noexcept { return untouched_; }
  /// The block itself; its packets are to be looked at while it is untouched only.
  [[nodiscard]] const capture::block_lease& block() const noexcept { return lease_; }
  /// Lets go of it: then there is none in work.
  [[nodiscard]] capture::block_lease take() noexcept;

  /// How many of the packets not yet encoded lie before the first one stamped after this. Walks
  /// them: for rare occasions.
  [[nodiscard]] std::uint32_t packets_until(std::uint64_t stamp_ns) const noexcept;

  /// Encodes packets as Enhanced Packet Blocks into `room` until the block, the room or
  /// `packets_max` ends. `newest_ns` is the stamp of the interface's packet before, and is carried
  /// on.
  [[nodiscard]] encode_progress encode(std::span<std::byte> room, const encode_target& target,
                                       std::uint64_t packets_max,
                                       std::uint64_t& newest_ns) noexcept;

  /// The same with other records: `bytes(packet, losses)` tells how long one is going to be,
  /// `encode(out, packet, losses)` writes it and returns its length. `losses` were those before it.
  template <class Records>
  [[nodiscard]] encode_progress encode_as(Records&& records, std::span<std::byte> room,
                                          std::uint64_t packets_max,
                                          std::uint64_t& newest_ns) noexcept;

 private:
  capture::block_lease lease_;
  capture::frame_cursor cursor_;
  packet::packet_view pending_;  ///< read from the block, not yet encoded
  bool has_pending_ = false;
  bool untouched_ = true;
  std::uint64_t losses_ = 0;
};

template <class Records>
encode_progress block_in_work::encode_as(Records&& records, std::span<std::byte> room,
                                         std::uint64_t packets_max,
                                         std::uint64_t& newest_ns) noexcept {
  encode_progress done;
  untouched_ = false;
  std::byte* out = room.data();
  std::byte* const end = out + room.size();
  std::uint64_t newest = newest_ns;
  while (done.packets < packets_max) {
    if (!has_pending_ && !cursor_.next(pending_)) {
      done.block_ended = true;
      break;
    }
    has_pending_ = false;
    const std::size_t size = records.bytes(pending_, losses_);
    if (size > static_cast<std::size_t>(end - out)) [[unlikely]] {
      has_pending_ = true;
      done.needed = size;
      break;
    }
    out += records.encode(out, pending_, losses_);
    losses_ = 0;
    ++done.packets;
    done.captured_octets += pending_.data.size();
    done.steps_back += pending_.timestamp_ns < newest ? 1u : 0u;
    newest = pending_.timestamp_ns;
  }
  newest_ns = newest;
  done.octets = static_cast<std::size_t>(out - room.data());
  if (!has_pending_ && cursor_.remaining() == 0) {
    done.block_ended = true;
  }
  return done;
}

}  // namespace captured::pipeline
