// SPDX-License-Identifier: MIT
#include "capture/block_ring.hpp"

#include <algorithm>

#include <linux/if_packet.h>

#include "base/check.hpp"
#include "capture/frame_cursor.hpp"

namespace captured::capture {
namespace {

constexpr std::size_t status_offset =
    offsetof(tpacket_block_desc, hdr) + offsetof(tpacket_hdr_v1, block_status);

/// Status of a block on its way back: in use for the kernel, whose "in use" is bit 0, and a value
/// that the kernel never writes, so that the taker knows it from a new filling.
constexpr std::uint32_t status_returning = TP_STATUS_USER | 1u << 30;

}  // namespace

block_ring::block_ring(std::span<std::byte> memory, std::uint32_t block_bytes)
    : memory_(memory),
      block_bytes_(block_bytes),
      block_count_(static_cast<std::uint32_t>(memory.size() / block_bytes)),
      ledger_(block_count_) {
  CAPTURED_CHECK(memory.size() % block_bytes == 0);
}

block_ring::block_ring(std::span<std::byte> memory, std::uint32_t block_bytes,
                       const ring_journal& journal)
    : block_ring(memory, block_bytes) {
  const ring_progress& progress = journal.progress();
  const ring_statistics& sums = journal.sums();
  // The kernel counts blocks from 1 and fills them in a circle.
  const std::uint64_t done = progress.block - 1;
  const std::uint64_t losses = sums.drops_total - progress.losses_told;
  next_ = static_cast<std::uint32_t>(done % block_count_);
  begun_ = next_;
  begun_packets_ = progress.packets;
  taken_ = done;
  released_ = done;
  sums_.drops_total = losses;
  sums_.packets_total = sums.packets_total - progress.packets_total - progress.losses_told;
  uncounted_releases_ = block_count_;  // it may have been full until what follows
  bool is_full = true;
  for (std::uint32_t index = 0; index < block_count_; ++index) {
    is_full = is_full && in_use(index);
  }
  // A full ring has lost nothing but behind its newest block since the counters were last read.
  const std::uint64_t behind = is_full ? std::min(journal.latest_drops(), losses) : 0;
  ledger_ = loss_ledger(block_count_, done, losses - behind);
  const std::uint32_t given_back = give_back_before(done);
  for (std::uint32_t i = given_back; behind > 0 && i < block_count_; ++i) {
    ledger_.filled();
  }
  ledger_.charge(behind);
}

/// Of the blocks up to that one some may still be in use: from the newest to the oldest, until
/// there is one that the kernel has already, or has filled anew. How many.
std::uint32_t block_ring::give_back_before(std::uint64_t done) noexcept {
  std::uint32_t given_back = 0;
  for (std::uint32_t back = 1; back <= block_count_ && back <= done; ++back) {
    const auto index = static_cast<std::uint32_t>((done - back) % block_count_);
    if (in_use(index) && !is_newer(index, done)) {
      status(index).store(TP_STATUS_KERNEL, std::memory_order_seq_cst);
      ++given_back;
    }
  }
  return given_back;
}

/// Was the block filled after so many? One that was rewritten in place does not say, and is old.
bool block_ring::is_newer(std::uint32_t index, std::uint64_t blocks) noexcept {
  const std::uint64_t sequence = read_block_head(block_memory(index)).sequence;
  return sequence > blocks && (sequence - 1) % block_count_ == index &&
         sequence <= blocks + block_count_;
}

std::span<std::byte> block_ring::block_memory(std::uint32_t index) noexcept {
  CAPTURED_CHECK(index < block_count_);
  return memory_.subspan(std::size_t{index} * block_bytes_, block_bytes_);
}

std::atomic_ref<std::uint32_t> block_ring::status(std::uint32_t index) noexcept {
  std::byte* const word = block_memory(index).data() + status_offset;
  return std::atomic_ref(*reinterpret_cast<std::uint32_t*>(word));
}

std::optional<std::uint32_t> block_ring::try_take() noexcept {
  // When every block is held, the next one in the circle still shows its old status, or whatever
  // its holder has written there: not to be looked at.
  if (taken_ - released_.load(std::memory_order_acquire) == block_count_) {
    return std::nullopt;
  }
  const std::uint32_t word = status(next_).load(std::memory_order_acquire);
  if ((word & TP_STATUS_USER) == 0 || word == status_returning) {
    return std::nullopt;
  }
  const std::uint32_t index = next_;
  next_ = next_ + 1 == block_count_ ? 0 : next_ + 1;
  ++taken_;
  return index;
}

std::uint64_t block_ring::losses_before(std::uint32_t index) const noexcept {
  return ledger_.losses_before(index);
}

bool block_ring::in_use(std::uint32_t index) noexcept {
  return (status(index).load(std::memory_order_seq_cst) & TP_STATUS_USER) != 0;
}

void block_ring::follow_producer() noexcept {
  while (!ledger_.all_in_use() && in_use(ledger_.position())) {
    ledger_.filled();
  }
}

void block_ring::count_and_charge() noexcept {
  uncounted_releases_ = 0;
  const producer_counters counted = read_counters();
  sums_.packets_total += counted.packets;
  sums_.drops_total += counted.drops;
  sums_.freezes_total += counted.freezes;
  follow_producer();
  ledger_.charge(counted.drops);
}

void block_ring::release(std::uint32_t index) noexcept {
  // Catches a second release, and a holder that cleared the bit that keeps the kernel away.
  CAPTURED_CHECK(in_use(index));
  if (index == begun_) {
    begun_packets_ = 0;
  }
  follow_producer();
  // Only a full ring loses. One that is not full now was not since the last release either, for
  // nobody else empties it. Once a turn in any case: the producer counts in 32 bits.
  if (ledger_.all_in_use() || ++uncounted_releases_ >= block_count_) {
    count_and_charge();
  }
  if (index == ledger_.oldest()) {
    release_oldest(index);
    return;
  }
  ledger_.release(index);
  status(index).store(TP_STATUS_KERNEL, std::memory_order_release);
}

void block_ring::release_oldest(std::uint32_t index) noexcept {
  const std::uint64_t filled_when_full = ledger_.released_in_order() + block_count_;
  ledger_.release(index);
  // First the taker learns that it may look at the block, then the producer gets it. The other way
  // round the taker could miss a block that is filled at once, together with its wake-up.
  status(index).store(status_returning, std::memory_order_relaxed);
  released_.store(ledger_.released_in_order(), std::memory_order_release);
  status(index).store(TP_STATUS_KERNEL, std::memory_order_seq_cst);
  // A producer that stood still until just now may have lost more since the counters were read.
  // It stands at this block now, so that what it lost is charged there. Only when this thread was
  // held up for as long as filling the block takes, the next block gets part of the blame.
  follow_producer();
  if (ledger_.filled_total() >= filled_when_full) {
    count_and_charge();
    // One that was judged meanwhile may be counted later yet.
    uncounted_releases_ = block_count_;
  }
}

ring_statistics block_ring::statistics() noexcept {
  count_and_charge();
  return sums_;
}

}  // namespace captured::capture
