// SPDX-License-Identifier: MIT
#include "capture/ring_journal.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include <sys/mman.h>
#include <sys/stat.h>

#include "base/check.hpp"

namespace captured::capture {

namespace {

constexpr std::size_t page_bytes = 4096;
constexpr std::uint64_t this_layout = 0x63617074'72696e05;  // "captrin", version 5

}  // namespace

static_assert(std::atomic<std::uint32_t>::is_always_lock_free, "it is shared by processes");

base::result<ring_journal> ring_journal::make() {
  base::unique_fd memory(::memfd_create("captured-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory || ::ftruncate(memory.get(), page_bytes) != 0) {
    return base::system_failure(errno, "make a journal for a ring");
  }
  auto mapped = base::mapping::shared(memory.get(), page_bytes);
  if (!mapped) {
    return mapped.error();
  }
  auto* const made = new (mapped->bytes().data()) page;
  made->what = this_layout;
  return ring_journal(std::move(memory), std::move(*mapped));
}

base::result<ring_journal> ring_journal::take_over(base::unique_fd memory) {
  const char* const context = "take over the journal of a ring";
  struct stat about {};
  if (::fstat(memory.get(), &about) != 0) {
    return base::system_failure(errno, context);
  }
  if (about.st_size != page_bytes) {
    return base::invalid_input(context, "it has another size");
  }
  auto mapped = base::mapping::shared(memory.get(), page_bytes);
  if (!mapped) {
    return mapped.error();
  }
  ring_journal taken(std::move(memory), std::move(*mapped));
  if (taken.at().what != this_layout || taken.at().current > 1) {
    return base::invalid_input(context, "another version of captured wrote it");
  }
  taken.add_counted();  // its maker may have been killed in between
  if (!taken.is_sound()) {
    return base::invalid_input(context, "it is damaged");
  }
  return taken;
}

/// Blocks are counted from 1, what was told was counted before, and a text has an end.
bool ring_journal::is_sound() const noexcept {
  const state& now = current();
  return now.progress.block > 0 && now.progress.losses_told <= now.sums.drops_total &&
         now.use.recording.back() == '\0';
}

ring_journal::page& ring_journal::at() const noexcept {
  static_assert(sizeof(page) <= page_bytes);
  return *std::launder(reinterpret_cast<page*>(mapped_.bytes().data()));
}

const ring_journal::state& ring_journal::current() const noexcept {
  return at().states[at().current.load(std::memory_order_acquire)];
}

void ring_journal::replace(const state& by) noexcept {
  const std::uint32_t other = 1 - at().current.load(std::memory_order_relaxed);
  at().states[other] = by;
  at().current.store(other, std::memory_order_release);
}

const ring_progress& ring_journal::progress() const noexcept {
  return current().progress;
}

void ring_journal::set_progress(const ring_progress& now) noexcept {
  state next = current();
  next.progress = now;
  replace(next);
}

void ring_journal::note_given_back(std::uint64_t block, std::uint32_t packets,
                                   std::uint64_t losses) noexcept {
  ring_progress now = progress();
  if (now.packets == 0 && block + 1 == now.block) {
    return;
  }
  // One that is passed over would never be dealt with: better to end, and to begin again here.
  CAPTURED_CHECK(block == now.block);
  now.packets_total += packets - std::min(packets, now.packets);
  now.losses_told += losses;
  ++now.block;
  now.packets = 0;
  set_progress(now);
}

const ring_use& ring_journal::use() const noexcept {
  return current().use;
}

void ring_journal::set_use(const ring_use& now) noexcept {
  state next = current();
  next.use = now;
  next.use.recording.back() = '\0';
  replace(next);
}

const ring_statistics& ring_journal::sums() const noexcept {
  return current().sums;
}

std::uint64_t ring_journal::latest_drops() const noexcept {
  return at().last.number == current().readings ? at().last.counted.drops : 0;
}

counted_by_kernel& ring_journal::room_for_counters() noexcept {
  reading& last = at().last;
  last.counted = {};  // while its number is an old one, for it could be taken for new otherwise
  std::atomic_signal_fence(std::memory_order_seq_cst);
  last.number = current().readings + 1;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return last.counted;
}

void ring_journal::add_counted() noexcept {
  const reading& last = at().last;
  state next = current();
  if (last.number != next.readings + 1) {
    return;
  }
  next.readings = last.number;
  next.sums.packets_total += last.counted.packets;
  next.sums.drops_total += last.counted.drops;
  next.sums.freezes_total += last.counted.freezes;
  replace(next);
}

}  // namespace captured::capture
