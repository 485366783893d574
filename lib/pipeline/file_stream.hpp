// SPDX-License-Identifier: MIT
//
// The current file of an output as a stream: whole blocks go in at the end, full chunks go to the
// disk. Not for what the blocks say, nor for when a file begins or ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "pipeline/block_encoder.hpp"
#include "pipeline/chunk.hpp"
#include "pipeline/in_place_encoder.hpp"
#include "pipeline/open_files.hpp"
#include "storage/rotation.hpp"

namespace captured::pipeline {

/// Where the chunks of a file lie.
enum class placement : std::uint8_t {
  packed,  ///< one octet behind the other
  paged,   ///< each begins at a page, as direct writes want it; fillers stand in between
};

/// All members on the strand.
class file_stream {
 public:
  /// `written` gets every chunk that the disk has taken, `events.given_up` those that it never
  /// will, before they return to the pool.
  file_stream(storage::file_operations& files, open_files_options options, open_files_events events,
              placement where, chunk_pool pool, std::function<void(const chunk&)> written);

  [[nodiscard]] open_files& files() noexcept { return files_; }
  [[nodiscard]] const open_files& files() const noexcept { return files_; }

  [[nodiscard]] bool is_open() const noexcept { return is_open_; }
  [[nodiscard]] const storage::file_progress& progress() const noexcept { return progress_; }
  void set_interval_end(base::wall_time end) noexcept { progress_.interval_end = end; }

  /// The next file, which must be ready, becomes the current one; there must be none open.
  void begin(const std::string& stem, base::wall_time interval_end);
  /// Submits what is left and lets the file close once all of it is written.
  void end();
  /// In place of `end`, for a file that was given up: so is the chunk that was being filled.
  void abandon();

  /// Could `reserve` succeed?
  [[nodiscard]] bool has_room(std::size_t octets) const noexcept {
    return fits_open_chunk(octets) || may_acquire();
  }
  /// Could `append` take that much? Of a pool that serves two folders, one that takes nothing gets
  /// no more than its part, but the end of its file.
  [[nodiscard]] bool has_room_to_end(std::size_t octets) const noexcept {
    return fits_open_chunk(octets) || pool_.has_free();
  }
  /// Makes sure of that much contiguous room (at most a chunk's); false when there is none now.
  bool reserve(std::size_t octets) noexcept;
  /// The room that was reserved, and what follows it.
  [[nodiscard]] std::span<std::byte> free_space() const noexcept { return chunk_->free_space(); }
  /// What the file's sidecar gets with the packets that are encoded there: to be appended to.
  [[nodiscard]] std::vector<std::byte>& aside() noexcept { return chunk_->aside; }
  /// Packets of a port were encoded into the free space.
  void commit(const encode_progress& done, std::size_t port, base::steady_time now);
  /// All packets of this block were committed: it goes back once they, and all before them, are
  /// written. False when they are: then it has gone back already.
  bool hold(capture::block_lease block, std::size_t port);
  /// What fillers can add when a block is encoded: before it, and behind its packets.
  [[nodiscard]] std::uint64_t filler_bytes_max() const noexcept {
    return where_ == placement::paged ? 4 * write_alignment : 0;
  }
  /// Could `submit_block` be called?
  [[nodiscard]] bool has_room_for_block() const noexcept { return pool_.has_free_for_block(); }
  /// The packets of a port were encoded in this block, where they lie: it goes to the disk behind
  /// all that was committed before.
  void submit_block(capture::block_lease block, const in_place_progress& done, std::size_t port);
  /// Appends whole blocks; there must be room for them.
  void append(const std::vector<std::byte>& octets, base::steady_time now);

  /// Octets wait for more company before they are submitted, the oldest since `dirty_since`.
  [[nodiscard]] bool is_dirty() const noexcept { return chunk_ != nullptr && chunk_->used > 0; }
  [[nodiscard]] base::steady_time dirty_since() const noexcept { return dirty_since_; }
  /// Submits them.
  void flush();
  /// The chunk that is being filled, or none.
  [[nodiscard]] chunk* open_chunk() const noexcept { return chunk_; }

 private:
  [[nodiscard]] bool fits_open_chunk(std::size_t octets) const noexcept {
    return chunk_ != nullptr && chunk_->room() >= octets;
  }
  [[nodiscard]] bool may_acquire() const noexcept;
  void acquire() noexcept;
  void grow(std::size_t octets, base::steady_time now) noexcept;
  void fill_page(chunk& piece) noexcept;

  placement where_;
  chunk_pool pool_;
  open_files files_;
  bool is_open_ = false;
  storage::file_progress progress_;
  std::uint64_t aside_bytes_ = 0;  ///< of the sidecar, submitted
  chunk* chunk_ = nullptr;
  base::steady_time dirty_since_{};
};

}  // namespace captured::pipeline
