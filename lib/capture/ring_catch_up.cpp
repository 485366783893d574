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
constexpr std::size_t turn_offset =
    offsetof(tpacket_block_desc, hdr) + offsetof(tpacket_hdr_v1, ts_last_pkt);
static_assert(turn_offset % sizeof(std::uint64_t) == 0);

/// Tells a turn from a time: its place is that of nanoseconds, which are far below.
constexpr std::uint64_t is_turn = std::uint64_t{1} << 63;

bool is_in_use(std::span<std::byte> block) noexcept {
  const std::atomic_ref word(*reinterpret_cast<std::uint32_t*>(block.data() + status_offset));
  return (word.load(std::memory_order_acquire) & TP_STATUS_USER) != 0;
}

std::atomic_ref<std::uint64_t> turn_word(std::span<std::byte> block) noexcept {
  return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(block.data() + turn_offset));
}

/// The block at which the progress of a ring stands, when it was begun with.
struct begun_block {
  std::uint32_t packet_count = 0;
  std::uint64_t turn = 0;
};

std::optional<begun_block> block_at(const left_ring_memory& ring, std::uint32_t block_bytes,
                                    std::uint64_t turns_before) noexcept {
  const std::size_t index = (ring.progress.block - 1) % (ring.memory.size() / block_bytes);
  const auto block = ring.memory.subspan(index * block_bytes, block_bytes);
  const block_head head = read_block_head(block);
  if (!is_in_use(block) || head.sequence != ring.progress.block ||
      head.packet_count < ring.progress.packets) {
    return std::nullopt;
  }
  const auto turn = turn_of(block);
  return turn && *turn > turns_before ? std::optional(begun_block{head.packet_count, *turn})
                                      : std::nullopt;
}

}  // namespace

bool fits_progress(const left_ring_memory& ring, std::uint32_t block_bytes) noexcept {
  const std::uint64_t count = ring.memory.size() / block_bytes;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t next = ring.progress.block + i;
    const auto block = ring.memory.subspan((next - 1) % count * block_bytes, block_bytes);
    if (!is_in_use(block)) {
      continue;  // the kernel may be filling it
    }
    const std::uint64_t sequence = read_block_head(block).sequence;
    const bool is_before = next > count && sequence == next - count;
    if (sequence != next && !is_before) {
      return false;
    }
  }
  return true;
}

void note_turn(std::span<std::byte> block, std::uint64_t turn) noexcept {
  turn_word(block).store(turn | is_turn, std::memory_order_relaxed);
}

std::optional<std::uint64_t> turn_of(std::span<std::byte> block) noexcept {
  const std::uint64_t word = turn_word(block).load(std::memory_order_relaxed);
  return (word & is_turn) != 0 ? std::optional(word & ~is_turn) : std::nullopt;
}

std::uint64_t newest_turn(std::span<std::byte> memory, std::uint32_t block_bytes) noexcept {
  std::uint64_t newest = 0;
  for (std::size_t at = 0; at < memory.size(); at += block_bytes) {
    const auto block = memory.subspan(at, block_bytes);
    newest = std::max(newest, is_in_use(block) ? turn_of(block).value_or(0) : 0);
  }
  return newest;
}

void catch_up(std::span<left_ring_memory> rings, std::uint32_t block_bytes,
              std::uint64_t turns_before, const dealt_with& to) noexcept {
  dealt_with now;
  for (const left_ring_memory& ring : rings) {
    now.packets_total += ring.progress.packets_total;
    now.losses_told += ring.progress.losses_told;
  }
  while (now.packets_total < to.packets_total) {
    left_ring_memory* first = nullptr;
    begun_block its;
    for (left_ring_memory& ring : rings) {
      const auto block = block_at(ring, block_bytes, turns_before);
      if (block && (first == nullptr || block->turn < its.turn)) {
        first = &ring;
        its = *block;
      }
    }
    if (first == nullptr) {
      break;
    }
    ring_progress& at = first->progress;
    const auto step = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        its.packet_count - at.packets, to.packets_total - now.packets_total));
    at.packets += step;
    at.packets_total += step;
    now.packets_total += step;
    if (at.packets == its.packet_count) {
      ++at.block;
      at.packets = 0;
    }
  }
  for (left_ring_memory& ring : rings) {
    const std::uint64_t more = to.losses_told - std::min(now.losses_told, to.losses_told);
    const std::uint64_t untold =
        ring.drops_total - std::min(ring.progress.losses_told, ring.drops_total);
    ring.progress.losses_told += std::min(more, untold);
    now.losses_told += std::min(more, untold);
  }
}

}  // namespace captured::capture
