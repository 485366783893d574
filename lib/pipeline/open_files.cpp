// SPDX-License-Identifier: MIT
#include "pipeline/open_files.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "pipeline/limits.hpp"
#include "storage/file_name.hpp"

namespace captured::pipeline {

open_files::open_files(storage::file_operations& files, open_files_options options,
                       open_files_events events)
    : files_(files), options_(std::move(options)), events_(std::move(events)) {
  unfinished_.reserve(limits::writes_per_output);
  waiting_.reserve(limits::writes_per_output);
  failed_.reserve(limits::requests_in_flight);
  places_[0].directory = options_.directory;
}

bool open_files::next_ready() const noexcept {
  return next_ && slots_[*next_].at == stage::ready;
}

bool open_files::next_pending() const noexcept {
  return next_ && slots_[*next_].at == stage::creating;
}

bool open_files::slot_free() const noexcept {
  return slot_at(stage::free).has_value();
}

std::optional<std::uint32_t> open_files::slot_at(stage wanted) const noexcept {
  for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot].at == wanted) {
      return slot;
    }
  }
  return std::nullopt;
}

bool open_files::is_data(storage::file_action action) noexcept {
  return action == storage::file_action::create || action == storage::file_action::publish ||
         action == storage::file_action::write;
}

void open_files::request(storage::file_request what) {
  open_file& file = slots_[what.slot];
  place_state& place = places_[file.place];
  what.place = file.place;
  ++file.in_flight;
  ++in_flight_;
  if (!file.is_lost) {
    ++place.in_flight;
    place.syncs_in_flight += what.action == storage::file_action::sync ? 1u : 0u;
    if (is_data(what.action) && place.data_in_flight++ == 0) {
      place.answered_at = now_;
    }
  }
  files_.submit(std::move(what));
}

void open_files::create_next(std::uint64_t sequence) {
  const auto slot = slot_at(stage::free);
  CAPTURED_CHECK(slot && !next_);
  next_ = slot;
  slots_[*slot] = {};
  slots_[*slot].at = stage::creating;
  slots_[*slot].sequence = sequence;
  slots_[*slot].place = place_;
  request_create(*slot);
}

void open_files::request_create(std::uint32_t slot) {
  request({.action = storage::file_action::create,
           .slot = slot,
           .bytes_expected = options_.preallocate_bytes,
           .name = hidden_name_of(slots_[slot])});
}

void open_files::begin(const std::string& stem) {
  CAPTURED_CHECK(next_ready() && !current_);
  current_ = std::exchange(next_, std::nullopt);
  slots_[*current_].stem = stem;
  request_publish(*current_);
}

std::string open_files::stem_of(const open_file& file) const {
  return file.attempt == 0 ? file.stem : file.stem + "+" + std::to_string(file.attempt);
}

std::string open_files::hidden_name_of(const open_file& file) const {
  return storage::prepared_name(options_.output, file.sequence, file.hidden_attempt);
}

std::string open_files::final_name_of(const open_file& file) const {
  return stem_of(file) + options_.extension +
         std::string(file.is_unproven ? storage::damaged_suffix : "");
}

bool open_files::is_current_unproven() const noexcept {
  return current_ && slots_[*current_].is_unproven;
}

std::string open_files::current_name() const {
  return current_ ? stem_of(slots_[*current_]) + options_.extension : std::string();
}

void open_files::request_publish(std::uint32_t slot) {
  slots_[slot].at = stage::publishing;
  request({.action = storage::file_action::publish,
           .slot = slot,
           .name = stem_of(slots_[slot]) + options_.extension + std::string(storage::open_suffix)});
}

void open_files::submit(chunk& piece) {
  CAPTURED_CHECK(current_.has_value());
  piece.slot = *current_;
  ++slots_[*current_].writes;
  slots_[*current_].sidecar_bytes += piece.aside.size();
  unfinished_.push_back(&piece);
  if (may_write(piece)) {
    request_write(piece);
  } else {
    waiting_.push_back(&piece);
  }
}

void open_files::request_write(const chunk& piece) {
  request({.action = storage::file_action::write,
           .slot = piece.slot,
           .token = piece.index,
           .offset = piece.file_offset + piece.taken,
           .octets = piece.untaken(),
           .aside = piece.taken == 0 ? std::span<const std::byte>(piece.aside)
                                     : std::span<const std::byte>(),
           .aside_offset = piece.aside_offset,
           .name = {}});
}

void open_files::sync() {
  if (!current_ || slots_[*current_].at != stage::open || slots_[*current_].sync_pending ||
      slots_[*current_].is_unproven) {
    return;
  }
  slots_[*current_].sync_pending = true;
  request({.action = storage::file_action::sync, .slot = *current_, .name = {}});
}

void open_files::end(std::uint64_t length, std::uint64_t packets) {
  CAPTURED_CHECK(current_.has_value());
  const std::uint32_t slot = *std::exchange(current_, std::nullopt);
  slots_[slot].ended = true;
  slots_[slot].length = length;
  slots_[slot].packets = packets;
  finish_if_written(slot);
}

void open_files::finish_if_written(std::uint32_t slot) {
  const open_file& file = slots_[slot];
  // One that is given up stays as it is: its length may not be known.
  if (file.ended && file.writes == 0 && file.at == stage::open && !file.sync_pending &&
      !file.has_failed_finally) {
    request_finish(slot);
  }
}

void open_files::request_finish(std::uint32_t slot) {
  slots_[slot].at = stage::finishing;
  request({.action = storage::file_action::finish,
           .slot = slot,
           .offset = slots_[slot].length,
           .force_to_device = options_.force_to_device && !slots_[slot].is_unproven,
           .name = final_name_of(slots_[slot])});
}

void open_files::request_discard(std::uint32_t slot) {
  slots_[slot].at = stage::leaving;
  request({.action = storage::file_action::discard, .slot = slot, .name = {}});
}

void open_files::discard_next() {
  if (!next_) {
    return;
  }
  const std::uint32_t slot = *std::exchange(next_, std::nullopt);
  if (slots_[slot].at == stage::ready) {
    request_discard(slot);
  } else {
    slots_[slot].unwanted = true;
  }
}

void open_files::note_answer(const storage::file_completion& done) {
  CAPTURED_CHECK(in_flight_ > 0 && done.slot < slots_.size());
  open_file& file = slots_[done.slot];
  place_state& place = places_[file.place];
  --in_flight_;
  --file.in_flight;
  if (file.is_lost) {
    return;
  }
  --place.in_flight;
  place.answers_to_recover -= std::min(place.answers_to_recover, 1u);
  if (is_data(done.action)) {
    --place.data_in_flight;
    place.answered_at = now_;
  } else if (done.action == storage::file_action::sync) {
    --place.syncs_in_flight;
    place.answered_at = now_;
  }
}

void open_files::on_completion(const storage::file_completion& done, base::steady_time now) {
  now_ = now;
  note_answer(done);
  open_file& file = slots_[done.slot];
  const std::uint32_t place = file.place;
  const bool is_lost = file.is_lost;
  if (done.error) {
    on_failure(done, now);
    return;
  }
  if (!file.has_failed_finally) {
    file.failing.clear();
  }
  if (done.action == storage::file_action::write) {
    on_written(done);
  } else {
    on_success(done);
  }
  if (!is_lost) {
    end_trouble_if_over(place);
  }
  if (file.has_failed_finally) {
    leave_given_up(done.slot);
  }
}

chunk& open_files::chunk_of(std::uint64_t token) const noexcept {
  const auto found = std::find_if(unfinished_.begin(), unfinished_.end(),
                                  [token](const chunk* one) { return one->index == token; });
  CAPTURED_CHECK(found != unfinished_.end());
  return **found;
}

void open_files::on_written(const storage::file_completion& done) {
  chunk& piece = chunk_of(done.token);
  piece.taken += done.octets_written;
  octets_written_ += done.octets_written;
  CAPTURED_CHECK(piece.taken <= piece.used);
  if (piece.taken < piece.used) {
    if (!slots_[done.slot].has_failed_finally) {
      request_write(piece);
    }
    return;
  }
  give_back_in_order();
  write_what_waited();
  leave_next_given_up();
  finish_if_written(done.slot);
}

/// A chunk counts as written when everything before it in its file is: a reader cannot get past a
/// gap, and what lies behind one is not stored yet.
void open_files::give_back_in_order() {
  std::array<bool, storage::open_files_max> has_gap{};
  for (std::size_t i = 0; i < unfinished_.size();) {
    chunk& piece = *unfinished_[i];
    if (piece.taken < piece.used || has_gap[piece.slot]) {
      has_gap[piece.slot] = true;
      ++i;
      continue;
    }
    unfinished_.erase(unfinished_.begin() + static_cast<std::ptrdiff_t>(i));
    --slots_[piece.slot].writes;
    slots_[piece.slot].has_beginning = true;
    events_.written(piece);
  }
}

bool open_files::may_write(const chunk& piece) const noexcept {
  const open_file& file = slots_[piece.slot];
  if (file.at != stage::open || file.has_failed_finally) {
    return false;  // not yet named, being made anew because it was gone, or given up
  }
  if (!is_in_order_) {
    return true;
  }
  for (const chunk* const one : unfinished_) {
    if (one == &piece) {
      return true;
    }
    if (one->slot != piece.slot || !file.has_beginning) {
      return false;
    }
  }
  return true;
}

void open_files::write_what_waited() {
  std::erase_if(waiting_, [this](const chunk* piece) {
    if (!may_write(*piece)) {
      return false;
    }
    request_write(*piece);
    return true;
  });
}

void open_files::on_success(const storage::file_completion& done) {
  open_file& file = slots_[done.slot];
  switch (done.action) {
    case storage::file_action::create:
      if (std::exchange(file.is_remade, false)) {
        file.is_gone = false;
        request_publish(done.slot);
        return;
      }
      file.at = stage::ready;
      if (file.unwanted) {
        request_discard(done.slot);
      }
      return;
    case storage::file_action::publish:
      file.at = stage::open;
      file.is_gone = false;
      events_.begun(stem_of(file) + options_.extension);
      write_what_waited();
      finish_if_written(done.slot);
      return;
    case storage::file_action::sync:
      file.sync_pending = false;
      finish_if_written(done.slot);
      return;
    case storage::file_action::finish:
      events_.closed({final_name_of(file), file.length, file.packets, file.is_unproven,
                      file.sequence, file.place, file.is_lost, file.sidecar_bytes});
      file = {};
      return;
    case storage::file_action::discard:
      file = {};
      return;
    case storage::file_action::leave:
      if (file.is_remade && file.is_lost) {
        give_up(done.slot);
      } else if (file.is_remade) {
        request_create(done.slot);
      } else {
        file = {};
      }
      return;
    case storage::file_action::write:
    case storage::file_action::grow:
    case storage::file_action::remove:
    case storage::file_action::measure:
      return;
  }
}

std::uint64_t open_files::ending_files() const noexcept {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      slots_, [](const open_file& one) { return one.ended && !one.is_lost; }));
}

std::uint64_t open_files::told_sequence() const noexcept {
  std::uint64_t highest = 0;
  for (const open_file& one : slots_) {
    highest = one.has_beginning ? std::max(highest, one.sequence) : highest;
  }
  return highest;
}

std::uint64_t open_files::ending_bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const open_file& one : slots_) {
    sum += one.ended && !one.is_lost ? one.length : 0;
  }
  return sum;
}

bool open_files::settled() const noexcept {
  return in_flight_ == 0 && failed_.empty() && waiting_.empty();
}

}  // namespace captured::pipeline
