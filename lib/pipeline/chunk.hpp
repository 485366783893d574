// SPDX-License-Identifier: MIT
//
// Encoded octets on their way to a file, in memory of a fixed pool or in the ring block that they
// came in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "base/mapping.hpp"
#include "capture/block_source.hpp"
#include "format/recording_note.hpp"

namespace captured::pipeline {

/// Packets of one port that lie in a row in a chunk.
struct chunk_run {
  std::size_t port = 0;  ///< of the output
  std::uint32_t packets = 0;
  std::uint64_t octets = 0;  ///< captured octets
};

/// A ring block whose last packet was copied into a chunk, and which goes back when that is
/// written.
struct held_block {
  capture::block_lease lease;
  std::size_t port = 0;  ///< of the output
};

/// A piece of one file: whole pcapng blocks, placed at `file_offset`. Owned by the pool; lent to
/// one user at a time.
struct chunk {
  chunk() noexcept = default;
  chunk(chunk&&) noexcept = default;
  /// What it holds is not written: that never goes back.
  ~chunk();

  std::uint32_t index = 0;      ///< in its pool; the token of its writes
  std::span<std::byte> memory;  ///< page-aligned
  capture::block_lease block;   ///< whose memory it is; none for the pool's own
  std::size_t used = 0;         ///< octets encoded
  std::size_t taken = 0;        ///< octets that the disk has taken so far
  std::uint64_t file_offset = 0;
  std::uint32_t slot = 0;        ///< the open file it belongs to
  std::vector<chunk_run> runs;   ///< all its packets, in their order
  std::vector<held_block> held;  ///< in the order of their filling; none of rings that are not kept
  /// What belongs into the file's sidecar before these octets, where it has one.
  std::vector<std::byte> aside;
  std::uint64_t aside_offset = 0;

  /// Behind what is encoded, with enough left for a filler that ends it at a page.
  [[nodiscard]] std::size_t room() const noexcept {
    return memory.size() - used - format::filler_bytes_min;
  }
  [[nodiscard]] std::span<std::byte> free_space() const noexcept {
    return memory.subspan(used, room());
  }
  /// Gives back what is held, the oldest first.
  void let_go() noexcept;
  /// Packets of a port were encoded behind the others.
  void add_packets(std::size_t port, std::uint32_t packets, std::uint64_t octets);
  [[nodiscard]] std::span<const std::byte> untaken() const noexcept {
    return memory.subspan(taken, used - taken);
  }
};

/// A fixed number of equally large chunks, and of chunks for memory of rings. When none is free no
/// packet is encoded, blocks stay in the ring, and the kernel counts what it has to drop. One
/// thread at a time.
class chunk_pool {
 public:
  /// `count` chunks, of which `present` have their memory at once and are acquired before the
  /// others. Fails with ENOMEM.
  static base::result<chunk_pool> make(std::uint32_t count, std::uint32_t present,
                                       std::size_t chunk_bytes, std::uint32_t block_count);

  /// That is present from the start.
  [[nodiscard]] std::span<std::byte> memory() noexcept { return present_; }
  [[nodiscard]] bool has_free() const noexcept { return !free_.empty(); }
  /// Octets that a chunk can take.
  [[nodiscard]] std::size_t chunk_bytes() const noexcept {
    return chunk_bytes_ - format::filler_bytes_min;
  }
  /// An empty chunk; there must be a free one.
  [[nodiscard]] chunk& acquire() noexcept;
  /// Could a block become a chunk?
  [[nodiscard]] bool has_free_for_block() const noexcept { return !free_for_blocks_.empty(); }
  /// A chunk of the block's memory, which holds it until it is released.
  [[nodiscard]] chunk& acquire(capture::block_lease block) noexcept;
  void release(chunk& returned) noexcept;

 private:
  chunk_pool() = default;

  std::size_t chunk_bytes_ = 0;
  base::mapping memory_;
  std::span<std::byte> present_;
  std::vector<chunk> chunks_;
  std::vector<chunk*> free_;
  std::vector<chunk*> free_for_blocks_;
};

}  // namespace captured::pipeline
