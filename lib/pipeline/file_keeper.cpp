// SPDX-License-Identifier: MIT
#include "pipeline/file_keeper.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "pipeline/limits.hpp"

namespace captured::pipeline {

namespace {

/// Less than this left, and a disk counts as full; twice as much, and it is one to go back to.
std::uint64_t low_water(const storage::disk_space& space) {
  return std::min<std::uint64_t>(limits::space_low_bytes,
                                 space.total_bytes / limits::space_low_share);
}

}  // namespace

file_keeper::file_keeper(storage::file_operations& disk, const storage::retain_options& limits,
                         file_keeper_events events)
    : disk_(disk), limits_(limits), events_(std::move(events)) {}

void file_keeper::attach(std::uint32_t place, std::string directory,
                         std::vector<storage::kept_file> earlier) {
  kept_.forget(place);
  place_state& state = places_[place];
  state.directory = std::move(directory);
  state.is_attached = true;
  state.is_reachable = true;
  state.is_full = false;
  ++state.folder;
  state.space.reset();
  state.measuring = false;
  state.removing.reset();
  state.coming.clear();
  state.pause_until = {};
  for (storage::kept_file& file : earlier) {
    file.place = place;
    kept_.add(std::move(file));
  }
}

void file_keeper::detach(std::uint32_t place) {
  kept_.forget(place);
  places_[place].is_attached = false;
  places_[place].space.reset();
}

void file_keeper::add(const closed_file& file, base::wall_time now) {
  // One that was closed in a folder that is not the place's any more is not ours to remove.
  if (places_[file.place].is_attached && !file.is_elsewhere) {
    const std::uint64_t bytes = file.size_bytes + file.sidecar_bytes;
    kept_.add({file.name, bytes, bytes, now, false, file.sequence, file.place});
  }
}

void file_keeper::add(storage::kept_file file) {
  if (!index_of(file.name, file.place)) {
    kept_.add(std::move(file));
  }
}

storage::retention_facts file_keeper::facts(base::wall_time now, const open_files& files) const {
  storage::retention_facts known{.now = now,
                                 .ending_bytes = files.ending_bytes(),
                                 .ending_files = files.ending_files(),
                                 .open_sequence = files.told_sequence()};
  for (std::uint32_t i = 0; i < storage::places_max; ++i) {
    const place_state& state = places_[i];
    storage::place_facts& place = known.places[i];
    place = {.is_reachable = state.is_attached && state.is_reachable,
             .space = state.space,
             .needed_bytes = files.bytes_without_room(i)};
    if (place.is_reachable && state.removing) {
      place.leaving = index_of(state.removing->name, i);
    }
    for (const given_back& one : state.coming) {
      place.coming_bytes += one.bytes;
    }
  }
  return known;
}

void file_keeper::look_at_space(base::steady_time now) {
  for (std::uint32_t i = 0; i < storage::places_max; ++i) {
    place_state& state = places_[i];
    const bool is_due = !state.space || now >= state.measured_at + limits::space_pause;
    if (state.is_attached && !state.measuring && is_due) {
      state.measuring = true;
      state.measured_at = now;
      disk_.submit(
          {.action = storage::file_action::measure, .place = i, .token = state.folder, .name = {}});
    }
    std::erase_if(state.coming, [now](const given_back& one) { return one.until <= now; });
  }
}

void file_keeper::forget_pins(base::steady_time now) {
  if (has_pins_ && now >= pins_forgotten_at_) {
    has_pins_ = false;
    for (std::size_t i = 0; i < kept_.files().size(); ++i) {
      kept_.set_pinned(i, false);
    }
  }
}

void file_keeper::run(base::moment now, const open_files& files) {
  look_at_space(now.steady);
  forget_pins(now.steady);
  // One at a time in each folder, and the rest is judged anew: space may come from elsewhere
  // meanwhile.
  const storage::retention_facts known = facts(now.wall, files);
  const auto plan = storage::plan_removals(limits_, kept_, known);
  for (std::uint32_t i = 0; i < storage::places_max; ++i) {
    place_state& state = places_[i];
    const auto first = std::ranges::find_if(
        plan, [&](const storage::removal& one) { return kept_.files()[one.index].place == i; });
    const bool can_make_room = first != plan.end() || state.removing;
    const auto& space = known.places[i].space;
    state.is_full = space && !can_make_room && space->available_bytes < low_water(*space);
  }
  for (const storage::removal& one : plan) {
    const place_state& state = places_[kept_.files()[one.index].place];
    if (!state.removing && now.steady >= state.pause_until) {
      request_removal(one);
    }
  }
}

bool file_keeper::is_removing() const noexcept {
  return std::ranges::any_of(places_, [](const place_state& one) {
    return one.is_attached && one.is_reachable && one.removing.has_value();
  });
}

bool file_keeper::has_plenty(std::uint32_t place) const noexcept {
  const auto& space = places_[place].space;
  return space && space->available_bytes >= 2 * low_water(*space);
}

void file_keeper::request_removal(const storage::removal& what) {
  const storage::kept_file& file = kept_.files()[what.index];
  place_state& state = places_[file.place];
  state.removing = {file.name, what.reason};
  // Outputs on one disk see the same lack: who comes second finds it mended.
  const bool for_space = what.reason == storage::removal_reason::free;
  disk_.submit({.action = storage::file_action::remove,
                .place = file.place,
                .token = state.folder,
                .keep_if_available = for_space ? storage::free_wanted(limits_, *state.space) : 0,
                .name = file.name});
}

/// Near the front, unless its folder has changed meanwhile.
std::optional<std::size_t> file_keeper::index_of(const std::string& name,
                                                 std::uint32_t place) const {
  const auto at = std::ranges::find_if(kept_.files(), [&](const storage::kept_file& one) {
    return one.place == place && one.name == name;
  });
  return at == kept_.files().end()
             ? std::nullopt
             : std::optional(static_cast<std::size_t>(at - kept_.files().begin()));
}

bool file_keeper::on_completion(const storage::file_completion& done, base::steady_time now) {
  place_state& state = places_[done.place];
  if (done.token != state.folder) {
    return false;
  }
  if (done.action == storage::file_action::measure) {
    state.measuring = false;
    state.space = done.error ? state.space : done.space;
    return false;
  }
  CAPTURED_CHECK(state.removing.has_value());
  const ongoing what = *std::exchange(state.removing, std::nullopt);
  const auto index = index_of(what.name, done.place);
  if (!index) {
    return false;
  }
  if (done.space.total_bytes > 0) {
    state.space = done.space;
  }
  if (done.error) {
    on_left(*index, done.error, now);
    return false;
  }
  const storage::kept_file gone = kept_.files()[*index];
  kept_.erase(*index);
  if (done.freed_bytes < gone.allocated_bytes / 2) {
    // Somebody still reads it, or the file system takes its time. A smaller difference is what
    // others wrote meanwhile.
    state.coming.push_back(
        {gone.allocated_bytes - done.freed_bytes, now + limits::space_comes_within});
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
    place_state& state = places_[kept_.files()[index].place];
    state.pause_until = now + limits::removal_pause;
    if (events_.trouble) {
      events_.trouble({why, "remove " + state.directory + "/" + kept_.files()[index].name});
    }
  }
}

kept_figures file_keeper::figures(const open_files& files, std::uint32_t place) const {
  kept_figures now{.files = kept_.files().size(),
                   .octets = kept_.bytes(),
                   .octets_written = files.octets_written()};
  if (!kept_.files().empty()) {
    now.oldest = kept_.files().front().changed;
  }
  now.room_octets = storage::room_left(limits_, kept_, facts({}, files), place);
  return now;
}

}  // namespace captured::pipeline
