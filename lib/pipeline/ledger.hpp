// SPDX-License-Identifier: MIT
//
// The ledger: where every packet that passed a filter has gone. One set of counters for each
// interface, written by the strand of its output alone, readable by every thread at any time.
#pragma once

#include <atomic>
#include <cstdint>

namespace captured::pipeline {

/// A 64-bit counter with a single writer. Reading from another thread gives a recent value, never
/// a torn one; no ordering with anything else is promised.
class counter {
 public:
  void add(std::uint64_t amount) noexcept { set(get() + amount); }
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Counters of one interface since its recording began. After a stop
/// `filteraccept = stored + osdrop + unwritten`; while running the difference is in flight.
struct interface_ledger {
  counter filteraccept;   ///< packets that the kernel's filter accepted, dropped ones included
  counter osdrop;         ///< of them, lost in the kernel because the ring was full
  counter stored;         ///< packets whose octets the disk has taken
  counter unwritten;      ///< packets that the disk did not take before the stop had to end
  counter octets_stored;  ///< captured octets of the stored packets
  counter ifrecv;         ///< received by the device, accepted or not
  counter ifdrop;         ///< dropped by the device or its driver
  counter steps_back;     ///< packets stamped earlier than the packet before them
  counter damaged;        ///< packets of ring blocks whose layout was not understood
};

/// One reading of an interface's counters.
struct ledger_figures {
  std::uint64_t filteraccept = 0;
  std::uint64_t osdrop = 0;
  std::uint64_t stored = 0;
  std::uint64_t unwritten = 0;
  std::uint64_t octets_stored = 0;
  std::uint64_t ifrecv = 0;
  std::uint64_t ifdrop = 0;
  std::uint64_t steps_back = 0;
  std::uint64_t damaged = 0;

  /// Packets that are neither stored nor lost yet: in the ring, a buffer or a write. The counters
  /// are read one after the other, so a running recorder may show less than there is, never more
  /// than it accepted.
  [[nodiscard]] std::uint64_t in_flight() const noexcept {
    const std::uint64_t settled = stored + osdrop + unwritten;
    return filteraccept > settled ? filteraccept - settled : 0;
  }
  /// What must hold after a stop.
  [[nodiscard]] bool balanced() const noexcept {
    return filteraccept == stored + osdrop + unwritten;
  }
};

[[nodiscard]] ledger_figures read(const interface_ledger& ledger) noexcept;

}  // namespace captured::pipeline
