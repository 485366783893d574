// SPDX-License-Identifier: MIT
#include "pipeline/block_encoder.hpp"

#include "format/packet_block_encoder.hpp"

namespace captured::pipeline {

block_in_work::block_in_work(capture::block_lease lease) noexcept
    : lease_(std::move(lease)),
      cursor_(lease_.memory(), lease_.form()),
      losses_(lease_.losses_before()) {
  // What an earlier process has in its files comes no second time.
  packet::packet_view done;
  for (std::uint32_t left = lease_.packets_done(); left > 0 && cursor_.next(done);) {
    --left;
  }
}

capture::block_lease block_in_work::take() noexcept {
  capture::block_lease block = std::move(lease_);
  *this = {};
  return block;
}

std::uint32_t block_in_work::packets_until(std::uint64_t stamp_ns) const noexcept {
  if (has_pending_ && pending_.timestamp_ns > stamp_ns) {
    return 0;
  }
  std::uint32_t count = has_pending_ ? 1 : 0;
  capture::frame_cursor ahead = cursor_;
  for (packet::packet_view packet; ahead.next(packet) && packet.timestamp_ns <= stamp_ns;) {
    ++count;
  }
  return count;
}

encode_progress block_in_work::encode(std::span<std::byte> room, const encode_target& target,
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
    const format::packet_block_extras extras{.dropcount = losses_};
    const std::size_t size = format::packet_block_bytes(pending_, extras, target.snaplen);
    if (size > static_cast<std::size_t>(end - out)) [[unlikely]] {
      has_pending_ = true;
      done.needed = size;
      break;
    }
    out += format::encode_packet_block(out, target.interface_id, pending_, extras, target.snaplen);
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
