// SPDX-License-Identifier: MIT
//
// How far the packets of one ring have been dealt with, in memory that outlives the process: with
// it and the ring's socket another process goes on exactly where this one was killed.
// docs/restart.md says who keeps both. Knows nothing of what became of the packets.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/error.hpp"
#include "base/mapping.hpp"
#include "base/unique_fd.hpp"
#include "capture/block_source.hpp"

namespace captured::capture {

/// Where the consumer of a ring stands. Packets before it are dealt with, packets behind it never
/// were, and nothing is in between.
struct ring_progress {
  std::uint64_t block = 1;          ///< the block that is next, as the kernel counts them (seq_num)
  std::uint32_t packets = 0;        ///< of that block, dealt with
  std::uint64_t packets_total = 0;  ///< dealt with since the ring was made
  std::uint64_t losses_told = 0;    ///< of the kernel's drops, those that were reported so far
};

/// For whom the packets are dealt with: what its files say of the interface can be held against the
/// progress. When `recording` began with the rings of a device, so much of all of them together had
/// been dealt with, so many blocks had had their turn (ring_catch_up.hpp), and the recording itself
/// had so many packets and losses of the interface. It stands in the journal of the first ring.
struct ring_use {
  std::array<char, 40> recording{};  ///< UUID, as text that ends with a zero
  std::uint64_t packets_before = 0;  ///< ring_progress::packets_total
  std::uint64_t losses_before = 0;   ///< ring_progress::losses_told
  std::uint64_t packets_recorded = 0;
  std::uint64_t losses_recorded = 0;
  std::uint64_t turns_before = 0;
  /// As `packets_recorded`, at the end of a recording that did not learn what became of packets
  /// which it was still writing.
  std::uint64_t packets_counted = 0;
  std::uint64_t is_counted = 0;  ///< 1: it ended so
};

/// How the ring was made, as far as its socket does not tell.
struct ring_make {
  std::uint32_t block_bytes = 0;
  std::uint32_t timeout_ms = 0;
  std::uint32_t is_promiscuous = 0;
  std::uint32_t has_hardware_stamps = 0;
  std::uint32_t queues = 1;  ///< rings that share the packets of the device
  std::uint32_t reserved = 0;
  std::uint64_t wanted =
      0;  ///< digest of what the user wants of each packet; any other means other
  bool operator==(const ring_make&) const = default;
};

/// What the kernel writes for PACKET_STATISTICS (struct tpacket_stats_v3).
struct counted_by_kernel {
  std::uint32_t packets = 0;
  std::uint32_t drops = 0;
  std::uint32_t freezes = 0;
};

/// One thread at a time. Every change takes hold with one store: whenever the process is killed,
/// what is read later is as it was before the change, or as it was after.
///
/// The kernel's counters are zero once they are read. So it writes them here, and a reading that
/// was made but not summed up yet is summed up by whoever comes next.
class ring_journal {
 public:
  /// A new one, of a page, in a memory file of its own, which begins with nothing dealt with.
  static base::result<ring_journal> make();
  /// One that another process has left. Fails with EINVAL when it is none of this version, or
  /// damaged.
  static base::result<ring_journal> take_over(base::unique_fd memory);

  /// The memory file, to be kept where it survives; stays owned by the journal.
  [[nodiscard]] int fd() const noexcept { return memory_.get(); }

  [[nodiscard]] const ring_progress& progress() const noexcept;
  void set_progress(const ring_progress& now) noexcept;
  /// The block that the kernel counts as `block` is about to go back: the packets that it has are
  /// dealt with, and what was lost before it was told. Blocks must come in the order of their
  /// filling; nothing happens when all of this was noted before.
  void note_given_back(std::uint64_t block, std::uint32_t packets, std::uint64_t losses) noexcept;

  [[nodiscard]] const ring_use& use() const noexcept;
  void set_use(const ring_use& now) noexcept;
  /// Not while another process may take it over.
  void set_make(const ring_make& how) noexcept { at().made = how; }
  [[nodiscard]] const ring_make& make_of_ring() const noexcept { return at().made; }

  /// Sums of all readings.
  [[nodiscard]] const ring_statistics& sums() const noexcept;
  /// Of the drops, those of the last reading.
  [[nodiscard]] std::uint64_t latest_drops() const noexcept;
  /// Where the next reading goes; all zero. To be followed by `add_counted`.
  [[nodiscard]] counted_by_kernel& room_for_counters() noexcept;
  /// Adds what stands there to the sums, once.
  void add_counted() noexcept;

 private:
  struct state {
    ring_progress progress;
    ring_use use;
    ring_statistics sums;
    std::uint64_t readings = 0;  ///< summed up
  };
  struct reading {
    std::uint64_t number = 0;  ///< counts from 1; summed up when `state.readings` has reached it
    counted_by_kernel counted;
  };
  /// As it lies in the memory. Of the two states the one holds that `current` names.
  struct page {
    std::uint64_t what = 0;  ///< this layout, and no other
    std::atomic<std::uint32_t> current{0};
    ring_make made;
    std::array<state, 2> states;
    reading last;
  };

  ring_journal(base::unique_fd memory, base::mapping mapped) noexcept
      : memory_(std::move(memory)), mapped_(std::move(mapped)) {}
  [[nodiscard]] bool is_sound() const noexcept;
  [[nodiscard]] page& at() const noexcept;
  [[nodiscard]] const state& current() const noexcept;
  void replace(const state& by) noexcept;

  base::unique_fd memory_;
  base::mapping mapped_;
};

}  // namespace captured::capture
