// SPDX-License-Identifier: MIT
#include "pipeline/file_stream.hpp"

#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "format/recording_note.hpp"
#include "pipeline/limits.hpp"

namespace captured::pipeline {

file_stream::file_stream(storage::file_operations& files, open_files_options options,
                         open_files_events events, placement where, chunk_pool pool,
                         std::function<void(const chunk&)> written)
    : where_(where), pool_(std::move(pool)), files_(files, std::move(options), [&] {
        events.written = [this, written = std::move(written)](chunk& piece) {
          written(piece);
          pool_.release(piece);
        };
        events.given_up = [this, given_up = std::move(events.given_up)](const auto& pieces) {
          given_up(pieces);
          for (chunk* const piece : pieces) {
            pool_.release(*piece);
          }
        };
        return std::move(events);
      }()) {}

void file_stream::begin(const std::string& stem, base::wall_time interval_end) {
  CAPTURED_CHECK(!is_open_ && chunk_ == nullptr);
  files_.begin(stem);
  is_open_ = true;
  progress_ = {.interval_end = interval_end};
  aside_bytes_ = 0;
}

void file_stream::end() {
  // The last page is filled for writing, and the file cut before the filler.
  const std::uint64_t size_bytes = progress_.size_bytes;
  flush();
  files_.end(size_bytes, progress_.packets);
  is_open_ = false;
}

void file_stream::abandon() {
  flush();  // it gets no further than behind what was submitted before, and is given up with that
  files_.abandon();
  is_open_ = false;
}

bool file_stream::may_acquire() const noexcept {
  return pool_.has_free() && files_.unfinished_here() < limits::chunks_per_output;
}

bool file_stream::reserve(std::size_t octets) noexcept {
  CAPTURED_CHECK(is_open_ && octets <= pool_.chunk_bytes());
  if (fits_open_chunk(octets)) {
    return true;
  }
  if (!may_acquire()) {
    return false;
  }
  acquire();
  return true;
}

void file_stream::acquire() noexcept {
  flush();
  chunk_ = &pool_.acquire();
  chunk_->file_offset = progress_.size_bytes;
  chunk_->aside_offset = aside_bytes_;
}

void file_stream::grow(std::size_t octets, base::steady_time now) noexcept {
  if (chunk_->used == 0) {
    dirty_since_ = now;
  }
  chunk_->used += octets;
  progress_.size_bytes += octets;
}

void file_stream::commit(const encode_progress& done, std::size_t port, base::steady_time now) {
  grow(done.octets, now);
  if (done.packets > 0) {
    chunk_->add_packets(port, done.packets, done.captured_octets);
  }
  progress_.packets += done.packets;
}

bool file_stream::hold(capture::block_lease block, std::size_t port) {
  chunk* const last = chunk_ != nullptr && chunk_->used > 0 ? chunk_ : files_.newest_unfinished();
  if (last == nullptr) {
    return false;
  }
  last->held.push_back({std::move(block), port});
  return true;
}

void file_stream::submit_block(capture::block_lease block, const in_place_progress& done,
                               std::size_t port) {
  flush();
  chunk& piece = pool_.acquire(std::move(block));
  piece.file_offset = progress_.size_bytes;
  piece.used = where_ == placement::paged ? done.octets : done.used;
  piece.add_packets(port, done.packets, done.captured_octets);
  progress_.size_bytes += piece.used;
  progress_.packets += done.packets;
  files_.submit(piece);
}

void file_stream::append(const std::vector<std::byte>& octets, base::steady_time now) {
  CAPTURED_CHECK(is_open_ && has_room_to_end(octets.size()));
  if (!fits_open_chunk(octets.size())) {
    acquire();
  }
  std::copy(octets.begin(), octets.end(), chunk_->free_space().begin());
  grow(octets.size(), now);
}

void file_stream::flush() {
  chunk* const full = std::exchange(chunk_, nullptr);
  if (full == nullptr) {
    return;
  }
  if (full->used == 0) {
    pool_.release(*full);
    return;
  }
  if (where_ == placement::paged) {
    fill_page(*full);
  }
  aside_bytes_ += full->aside.size();
  files_.submit(*full);
}

void file_stream::fill_page(chunk& piece) noexcept {
  std::size_t rest = base::align_up(piece.used, write_alignment) - piece.used;
  if (rest == 0) {
    return;
  }
  rest += rest < format::filler_bytes_min ? write_alignment : 0;
  format::encode_filler(piece.memory.data() + piece.used, rest);
  piece.used += rest;
  progress_.size_bytes += rest;
}

}  // namespace captured::pipeline
