// SPDX-License-Identifier: MIT
//
// The part of open_files that has to do with folders that change, go, and come back.
#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "pipeline/limits.hpp"
#include "pipeline/open_files.hpp"
#include "storage/file_name.hpp"

namespace captured::pipeline {

void open_files::use(std::uint32_t place) {
  CAPTURED_CHECK(place < places_.size());
  place_ = place;
  if (next_ && slots_[*next_].place != place) {
    discard_next();
  }
}

void open_files::lose(std::uint32_t place) {
  if (next_ && slots_[*next_].place == place) {
    discard_next();
  }
  for (open_file& file : slots_) {
    if (file.at != stage::free && file.place == place) {
      file.is_lost = true;
    }
  }
  places_[place] = {.directory = std::move(places_[place].directory)};
}

void open_files::give_up_lost(std::uint32_t place) {
  for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
    const open_file& file = slots_[slot];
    if (file.at != stage::free && file.place == place && file.is_lost && !file.is_given_up) {
      slots_[slot].is_given_up = true;
      // Also one that is being tried again just now: its end would be counted on in vain.
      if (file.failing ||
          std::ranges::any_of(failed_, [slot](const auto& one) { return one.slot == slot; })) {
        give_up(slot);
      }
    }
  }
}

void open_files::give_up_hopeless(base::steady_time now) {
  now_ = now;
  for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
    const open_file& file = slots_[slot];
    if (file.at != stage::free && file.is_lost && !file.is_given_up && file.failing &&
        now >= file.failing_since + limits::lost_patience) {
      give_up(slot);
    }
  }
}

bool open_files::is_current_elsewhere() const noexcept {
  return current_ && (slots_[*current_].place != place_ || slots_[*current_].is_lost);
}

bool open_files::is_current_given_up() const noexcept {
  return current_ && slots_[*current_].has_failed_finally;
}

bool open_files::may_current_be_named() const noexcept {
  if (!current_) {
    return false;
  }
  const open_file& file = slots_[*current_];
  return file.at == stage::open || (file.at == stage::publishing && file.in_flight > 0);
}

chunk* open_files::newest_unfinished() const noexcept {
  const auto last = std::find_if(unfinished_.rbegin(), unfinished_.rend(),
                                 [](const chunk* one) { return !one->block; });
  return last == unfinished_.rend() ? nullptr : *last;
}

bool open_files::has_lost(std::uint32_t place) const noexcept {
  return std::ranges::any_of(slots_, [place](const open_file& one) {
    return one.at != stage::free && one.is_lost && one.place == place;
  });
}

bool open_files::is_settling(base::steady_time now) const noexcept {
  return std::ranges::any_of(slots_, [now](const open_file& one) {
    // One of which nothing is under way may wait behind others.
    return one.at != stage::free && one.at != stage::leaving && one.has_failed_finally &&
           (one.in_flight > 0 || one.writes > 0) && now < one.failed_at + limits::stall_patience;
  });
}

std::size_t open_files::unfinished_here() const noexcept {
  const std::uint32_t place = current_ ? slots_[*current_].place : place_;
  const bool lost = current_ && slots_[*current_].is_lost;
  return static_cast<std::size_t>(std::ranges::count_if(unfinished_, [&](const chunk* one) {
    return !one->block && slots_[one->slot].place == place && slots_[one->slot].is_lost == lost;
  }));
}

/// What has failed there stays as it is.
void open_files::give_up(std::uint32_t slot) {
  slots_[slot].is_given_up = true;
  std::erase_if(failed_, [slot](const auto& one) { return one.slot == slot; });
  leave_given_up(slot);
}

void open_files::settle_given_up(std::uint32_t slot) {
  const auto is_its = [slot](const chunk* one) { return one->slot == slot; };
  std::vector<chunk*> left;
  std::ranges::copy_if(unfinished_, std::back_inserter(left), is_its);
  std::erase_if(unfinished_, is_its);
  std::erase_if(waiting_, is_its);
  slots_[slot].writes = 0;
  if (!left.empty()) {
    events_.given_up(left);
  }
  write_what_waited();
}

/// What is written in order is given up in order, too.
bool open_files::is_behind_others(std::uint32_t slot) const noexcept {
  return is_in_order_ && !unfinished_.empty() && unfinished_.front()->slot != slot &&
         std::ranges::any_of(unfinished_, [slot](const chunk* one) { return one->slot == slot; });
}

void open_files::leave_next_given_up() {
  if (is_in_order_ && !unfinished_.empty() &&
      slots_[unfinished_.front()->slot].has_failed_finally) {
    leave_given_up(unfinished_.front()->slot);
  }
}

/// The chunks of a file that is given up go back when the disk touches none of them any more, and
/// when it is known that nothing will be added.
void open_files::leave_given_up(std::uint32_t slot) {
  open_file& file = slots_[slot];
  if (!std::exchange(file.has_failed_finally, true)) {
    file.failed_at = now_;
  }
  if (file.at == stage::free || file.in_flight > 0 || current_ == slot || is_behind_others(slot)) {
    return;
  }
  settle_given_up(slot);
  if (file.at == stage::creating || file.at == stage::leaving) {
    // Nothing is open: it was to be made, made anew, or removed.
    const std::uint32_t place = std::exchange(file, {}).place;
    settle_trouble(place);
  } else {
    events_.trouble({file.failing, "close " + places_[file.place].directory + "/" + stem_of(file),
                     "it is left for repair, for its folder is gone"});
    if (file.is_unproven && events_.left_unproven) {
      events_.left_unproven(file.place,
                            stem_of(file) + options_.extension + std::string(storage::open_suffix));
    }
    file.at = stage::leaving;
    request({.action = storage::file_action::leave, .slot = slot, .name = {}});
  }
  leave_next_given_up();
}

void open_files::abandon() {
  CAPTURED_CHECK(current_.has_value());
  const std::uint32_t slot = *std::exchange(current_, std::nullopt);
  slots_[slot].ended = true;
  leave_given_up(slot);
}

}  // namespace captured::pipeline
