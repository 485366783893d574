// SPDX-License-Identifier: MIT
//
// Where finished blocks of packets come from: the seam between a kernel ring and the pipeline.
// packet_ring implements it over TPACKET_V3 (packet(7), Documentation/networking/packet_mmap.rst);
// tests implement it in memory. Not for single packets: those are walked with frame_cursor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "capture/framing.hpp"

namespace captured::capture {

/// Figures of one ring since it was opened, 64 bits wide; the kernel's own 32-bit counters reset
/// on reading and are summed up behind this seam.
struct ring_statistics {
  std::uint64_t packets_total = 0;  ///< accepted by the filter, including those dropped
  std::uint64_t drops_total = 0;    ///< of them, lost because no block was free
  std::uint64_t freezes_total = 0;  ///< times the kernel found its next block still held
};

/// A ring of equally large blocks that a producer fills in order. Two threads use it: the capture
/// reactor calls `try_take`; one other at a time (the output's strand) calls `begin`,
/// `losses_before`, `release` and `statistics`. `block_memory` of a held block may be used by
/// whoever holds it.
class block_source {
 public:
  virtual ~block_source() = default;

  /// Number of blocks; no more than this can ever be held.
  [[nodiscard]] virtual std::uint32_t block_count() const noexcept = 0;

  /// How the packets of its blocks begin, for frame_cursor; the same for the source's whole life.
  [[nodiscard]] virtual framing form() const noexcept { return framing::ethernet; }

  /// The octets of a block, page-aligned. Valid while the source lives; to be touched only between
  /// `try_take` and `release` of that index. They may be overwritten, but the 32-bit word at
  /// offset 8 must keep bit 0 set: it is what keeps the kernel away.
  [[nodiscard]] virtual std::span<std::byte> block_memory(std::uint32_t index) noexcept = 0;

  /// Several rings of one device may be one source: how many, and from which a block is.
  [[nodiscard]] virtual std::uint32_t queue_count() const noexcept { return 1; }
  [[nodiscard]] virtual std::uint32_t queue_of(std::uint32_t /*index*/) const noexcept { return 0; }

  /// The octets of all blocks of one queue, where they lie in a row; valid while the source lives.
  [[nodiscard]] virtual std::span<std::byte> memory(std::uint32_t /*queue*/) noexcept { return {}; }

  /// Takes the next finished block, in the order of filling, or nothing. Never blocks, no system
  /// call. The taker must see that `release` is called for it exactly once.
  [[nodiscard]] virtual std::optional<std::uint32_t> try_take() noexcept = 0;

  /// Packets lost just before the first packet of this held block (epb_dropcount of that packet).
  [[nodiscard]] virtual std::uint64_t losses_before(std::uint32_t index) const noexcept = 0;

  /// The packets of this held block are dealt with from now on: after those of the blocks for which
  /// this was called before. On the releasing thread, once.
  virtual void begin(std::uint32_t /*index*/) noexcept {}

  /// Packets at the beginning of this held block that a former process has dealt with.
  [[nodiscard]] virtual std::uint32_t packets_done(std::uint32_t /*index*/) const noexcept {
    return 0;
  }

  /// Gives a block back to the producer; in any order. Reads the kernel's counters first: what
  /// grew until now was lost where the kernel stands, at the block that it fills next, and is
  /// charged to that. A ring whose every block is in use stands still at its oldest.
  virtual void release(std::uint32_t index) noexcept = 0;

  /// Reads the kernel's counters and returns the sums. One system call.
  [[nodiscard]] virtual ring_statistics statistics() noexcept = 0;
};

/// One held block. Its destructor gives the block back; whoever holds it keeps the memory alive.
/// The source must outlive it.
class block_lease {
 public:
  block_lease() noexcept = default;
  /// Takes over a block that `try_take` of this source returned.
  block_lease(block_source& source, std::uint32_t index) noexcept
      : source_(&source), index_(index) {}
  block_lease(block_lease&& other) noexcept
      : source_(std::exchange(other.source_, nullptr)), index_(other.index_) {}
  block_lease& operator=(block_lease&& other) noexcept {
    if (this != &other) {
      reset();
      source_ = std::exchange(other.source_, nullptr);
      index_ = other.index_;
    }
    return *this;
  }
  block_lease(const block_lease&) = delete;
  block_lease& operator=(const block_lease&) = delete;
  ~block_lease() { reset(); }

  [[nodiscard]] explicit operator bool() const noexcept { return source_ != nullptr; }
  [[nodiscard]] std::span<std::byte> memory() const noexcept {
    return source_->block_memory(index_);
  }
  [[nodiscard]] framing form() const noexcept { return source_->form(); }
  [[nodiscard]] std::uint64_t losses_before() const noexcept {
    return source_->losses_before(index_);
  }
  [[nodiscard]] std::uint32_t packets_done() const noexcept {
    return source_->packets_done(index_);
  }
  /// Which of its source's rings it is from.
  [[nodiscard]] std::uint32_t queue() const noexcept { return source_->queue_of(index_); }
  /// Never gives the block back: for memory that a disk may still read when nobody waits for it
  /// any more. The block is out of use for the source's whole life.
  void forget() noexcept { source_ = nullptr; }
  /// Gives the block back now.
  void reset() noexcept {
    if (auto* const source = std::exchange(source_, nullptr)) {
      source->release(index_);
    }
  }

 private:
  block_source* source_ = nullptr;
  std::uint32_t index_ = 0;
};

}  // namespace captured::capture
