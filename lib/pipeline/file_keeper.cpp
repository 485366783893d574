// SPDX-License-Identifier: MIT
#include "pipeline/file_keeper.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "pipeline/limits.hpp"

namespace captured::pipeline {

file_keeper::file_keeper(storage::file_operations& disk, std::string directory,
                         const storage::retain_options& limits,
                         std::vector<storage::kept_file> earlier, file_keeper_events events)
    : disk_(disk),
      directory_(std::move(directory)),
      limits_(limits),
      kept_(std::move(earlier)),
      events_(std::move(events)) {}

void file_keeper::add(const closed_file& file, base::wall_time now) {
  kept_.add({file.name, file.size_bytes, file.size_bytes, now, false, file.sequence});
}

storage::retention_facts file_keeper::facts(base::wall_time now, const open_files& files) const {
  storage::retention_facts known{.now = now,
                                 .ending_bytes = files.ending_bytes(),
                                 .ending_files = files.ending_files(),
                                 .space = space_,
                                 .needed_bytes = files.bytes_without_room(),
                                 .open_sequence = files.told_sequence()};
  for (const given_back& one : coming_) {
    known.coming_bytes += one.bytes;
  }
  return known;
}

void file_keeper::run(base::moment now, const open_files& files) {
  if (!measuring_ && (!space_ || now.steady >= measured_at_ + limits::space_pause)) {
    measuring_ = true;
    measured_at_ = now.steady;
    disk_.submit({.action = storage::file_action::measure, .name = {}});
  }
  std::erase_if(coming_, [&](const given_back& one) { return one.until <= now.steady; });
  if (has_pins_ && now.steady >= pins_forgotten_at_) {
    has_pins_ = false;
    for (std::size_t i = 0; i < kept_.files().size(); ++i) {
      kept_.set_pinned(i, false);
    }
  }
  if (removing_ || now.steady < pause_until_) {
    return;
  }
  // One at a time, and the rest is judged anew: space may come from elsewhere meanwhile.
  const auto plan = storage::plan_removals(limits_, kept_, facts(now.wall, files));
  if (!plan.empty()) {
    request_removal(plan.front());
  }
}

void file_keeper::request_removal(const storage::removal& what) {
  removing_ = {kept_.files()[what.index].name, what.reason};
  // Outputs on one disk see the same lack: who comes second finds it mended.
  const bool for_space = what.reason == storage::removal_reason::free;
  disk_.submit({.action = storage::file_action::remove,
                .keep_if_available = for_space ? storage::free_wanted(limits_, *space_) : 0,
                .name = removing_->name});
}

/// Near the front, and still there: nothing but removal takes files out.
std::size_t file_keeper::index_of(const std::string& name) const {
  const auto at = std::ranges::find(kept_.files(), name, &storage::kept_file::name);
  CAPTURED_CHECK(at != kept_.files().end());
  return static_cast<std::size_t>(at - kept_.files().begin());
}

bool file_keeper::on_completion(const storage::file_completion& done, base::steady_time now) {
  if (done.action == storage::file_action::measure) {
    measuring_ = false;
    space_ = done.error ? space_ : done.space;
    return false;
  }
  CAPTURED_CHECK(removing_.has_value());
  const ongoing what = *std::exchange(removing_, std::nullopt);
  const std::size_t index = index_of(what.name);
  if (done.space.total_bytes > 0) {
    space_ = done.space;
  }
  if (done.error) {
    on_left(index, done.error, now);
    return false;
  }
  const storage::kept_file gone = kept_.files()[index];
  kept_.erase(index);
  if (done.freed_bytes < gone.allocated_bytes / 2) {
    // Somebody still reads it, or the file system takes its time. A smaller difference is what
    // others wrote meanwhile.
    coming_.push_back({gone.allocated_bytes - done.freed_bytes, now + limits::space_comes_within});
  }
  if (events_.removed) {
    events_.removed(gone, what.reason);
  }
  return true;
}

void file_keeper::on_left(std::size_t index, const base::error_code& why, base::steady_time now) {
  if (why.value() == storage::not_needed_error) {
    return;
  }
  if (why.value() == storage::not_ours_error) {
    kept_.erase(index);
    return;
  }
  // The next older ones take its place for a while.
  kept_.set_pinned(index, true);
  if (!std::exchange(has_pins_, true)) {
    pins_forgotten_at_ = now + limits::pin_memory;
  }
  if (why.value() != storage::pinned_error) {
    pause_until_ = now + limits::removal_pause;
    if (events_.trouble) {
      events_.trouble({why, "remove " + directory_ + "/" + kept_.files()[index].name});
    }
  }
}

kept_figures file_keeper::figures(const open_files& files) const {
  kept_figures now{.files = kept_.files().size(),
                   .octets = kept_.bytes(),
                   .octets_written = files.octets_written()};
  if (!kept_.files().empty()) {
    now.oldest = kept_.files().front().changed;
  }
  now.room_octets = storage::room_left(limits_, kept_, facts({}, files));
  return now;
}

}  // namespace captured::pipeline
