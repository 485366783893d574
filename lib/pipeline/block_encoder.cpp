// SPDX-License-Identifier: MIT
#include "pipeline/block_encoder.hpp"

#include "format/packet_block_encoder.hpp"

namespace captured::pipeline {

namespace {

struct packet_blocks {
  encode_target target;

  [[nodiscard]] std::size_t bytes(const packet::packet_view& packet,
                                  std::uint64_t losses) const noexcept {
    return format::packet_block_bytes(packet, {.dropcount = losses, .queue = target.queue},
                                      target.snaplen);
  }
  [[nodiscard]] std::size_t encode(std::byte* out, const packet::packet_view& packet,
                                   std::uint64_t losses) const noexcept {
    return format::encode_packet_block(out, target.interface_id, packet,
                                       {.dropcount = losses, .queue = target.queue},
                                       target.snaplen);
  }
};

}  // namespace

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
  return encode_as(packet_blocks{target}, room, packets_max, newest_ns);
}

}  // namespace captured::pipeline
