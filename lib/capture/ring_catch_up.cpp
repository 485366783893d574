// SPDX-License-Identifier: MIT
#include "capture/ring_catch_up.hpp"

#include <algorithm>
#include <atomic>

#include <linux/if_packet.h>

#include "capture/frame_cursor.hpp"

namespace captured::capture {

namespace {

constexpr std::size_t status_offset =
    offsetof(tpacket_block_desc, hdr) + offsetof(tpacket_hdr_v1, block_status);

bool is_in_use(std::span<std::byte> block) noexcept {
  const std::atomic_ref word(*reinterpret_cast<std::uint32_t*>(block.data() + status_offset));
  return (word.load(std::memory_order_acquire) & TP_STATUS_USER) != 0;
}

}  // namespace

ring_progress catch_up(std::span<std::byte> memory, std::uint32_t block_bytes, ring_progress from,
                       const dealt_with& to) noexcept {
  const std::size_t block_count = memory.size() / block_bytes;
  while (from.packets_total < to.packets_total) {
    const std::size_t index = (from.block - 1) % block_count;
    const auto block = memory.subspan(index * block_bytes, block_bytes);
    const block_head head = read_block_head(block);
    if (!is_in_use(block) || head.sequence != from.block || head.packet_count < from.packets) {
      break;
    }
    const auto step = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        head.packet_count - from.packets, to.packets_total - from.packets_total));
    from.packets += step;
    from.packets_total += step;
    if (from.packets == head.packet_count) {
      ++from.block;
      from.packets = 0;
    }
  }
  from.losses_told = std::max(from.losses_told, to.losses_told);
  return from;
}

}  // namespace captured::capture
