// SPDX-License-Identifier: MIT
//
// The part of open_files that has to do with acts that failed.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "pipeline/limits.hpp"
#include "pipeline/open_files.hpp"

namespace captured::pipeline {

namespace {

const char* word_for(storage::file_action action) {
  switch (action) {
    case storage::file_action::create:
      return "create";
    case storage::file_action::publish:
      return "name";
    case storage::file_action::write:
      return "write";
    case storage::file_action::grow:
      return "make longer";
    case storage::file_action::sync:
      return "sync";
    case storage::file_action::finish:
      return "close";
    case storage::file_action::discard:
    case storage::file_action::remove:
      return "remove";
    case storage::file_action::leave:
      return "leave";
    case storage::file_action::measure:
      return "measure";
  }
  return "use";
}

std::string describe(const storage::file_completion& done, const std::string& where,
                     const std::string& name) {
  return std::string(word_for(done.action)) + " " + where + "/" + name;
}

}  // namespace

void open_files::on_failure(const storage::file_completion& done, base::steady_time now) {
  open_file& file = slots_[done.slot];
  if ((done.action == storage::file_action::create && file.unwanted) ||
      (done.action == storage::file_action::discard && file.is_given_up)) {
    const std::uint32_t place = file.place;
    file = {};
    return settle_trouble(place);
  }
  if (done.was_forcing) {
    return on_unproven(done);
  }
  // Left by an attempt that failed, and whose removal failed too: a later start removes it.
  if (done.action == storage::file_action::create && done.error.value() == EEXIST &&
      !file.is_lost && file.hidden_attempt < limits::name_attempts) {
    ++file.hidden_attempt;
    return request_create(done.slot);
  }
  const bool naming =
      done.action == storage::file_action::publish || done.action == storage::file_action::finish;
  if (naming && done.error.value() == EEXIST && file.attempt < limits::name_attempts) {
    ++file.attempt;
    done.action == storage::file_action::publish ? request_publish(done.slot)
                                                 : request_finish(done.slot);
    return;
  }
  const bool is_first = !std::exchange(file.failing, done.error);
  file.failing_since = is_first ? now : file.failing_since;
  if (is_file_gone(done)) {
    return;
  }
  if (file.is_given_up) {
    // A write is settled with the file's other ones, nothing else is left to be done.
    return leave_given_up(done.slot);
  }
  place_state& place = places_[file.place];
  const std::string name =
      done.action == storage::file_action::create ? hidden_name_of(file) : stem_of(file);
  base::failure why{done.error, describe(done, place.directory, name)};
  failed_.push_back(done);
  retry_at_ = now + limits::retry_pause;
  if (file.is_lost) {
    // Says nothing of the folder that the place has now. What cannot be removed there harms nobody.
    return is_first && done.action != storage::file_action::discard ? events_.trouble(why) : void();
  }
  place.why = std::move(why);
  if (is_data(done.action) && !std::exchange(place.is_writing_troubled, true)) {
    place.troubled_since = now;
  }
  if (!std::exchange(place.in_trouble, true)) {
    events_.trouble(place.why);
  }
}

/// What the device did not take is lost for the kernel too, and a further attempt that succeeds
/// proves nothing. So the file never gets its final name: it is closed and set aside as it is.
void open_files::on_unproven(const storage::file_completion& done) {
  open_file& file = slots_[done.slot];
  any_unproven_ = true;
  if (!std::exchange(file.is_unproven, true) && events_.unproven) {
    events_.unproven({done.error, "force " + places_[file.place].directory + "/" + stem_of(file) +
                                      options_.extension + " to the disk"});
  }
  if (done.action == storage::file_action::finish) {
    return request_finish(done.slot);
  }
  file.sync_pending = false;
  finish_if_written(done.slot);
  if (file.has_failed_finally) {
    leave_given_up(done.slot);  // this may have been the last thing under way
  } else {
    end_trouble_if_over(file.place);  // it is not tried again
  }
}

/// Somebody has removed or renamed the file under us; to try the same again would be in vain.
bool open_files::is_file_gone(const storage::file_completion& done) {
  open_file& file = slots_[done.slot];
  if (done.error.value() != ENOENT || (done.action != storage::file_action::publish &&
                                       done.action != storage::file_action::finish)) {
    return false;
  }
  if (!file.is_gone && !file.is_given_up) {
    file.is_gone = true;  // once more, for the folder may be what is missing
    return false;
  }
  events_.trouble({done.error, describe(done, places_[file.place].directory, stem_of(file)),
                   "the file is gone"});
  // A file that had no name yet holds nothing either: another one is made in its stead.
  file.is_remade = done.action == storage::file_action::publish && !file.is_lost;
  if (done.action == storage::file_action::publish && file.is_lost) {
    return give_up(done.slot), true;
  }
  file.at = stage::leaving;
  request({.action = storage::file_action::leave, .slot = done.slot, .name = {}});
  return true;
}

void open_files::end_trouble_if_over(std::uint32_t place) {
  place_state& state = places_[place];
  if (state.in_trouble && state.answers_to_recover == 0 && !has_failed(place)) {
    state.in_trouble = false;
    state.is_writing_troubled = false;
    if (place == place_) {
      events_.recovered();
    }
  }
}

bool open_files::has_failed(std::uint32_t place) const noexcept {
  return std::ranges::any_of(failed_, [&](const storage::file_completion& one) {
    return slots_[one.slot].place == place && !slots_[one.slot].is_lost;
  });
}

/// Nothing is left that could tell whether the place is still in trouble.
void open_files::settle_trouble(std::uint32_t place) {
  place_state& state = places_[place];
  if (state.in_flight == 0 && !has_failed(place)) {
    state.in_trouble = false;
    state.is_writing_troubled = false;
    state.answers_to_recover = 0;
  }
}

/// It is tried again, and says then how the place is.
bool open_files::tells_of_trouble(const storage::file_completion& failed) const noexcept {
  const open_file& file = slots_[failed.slot];
  return !file.is_lost && failed.action != storage::file_action::discard &&
         !(failed.action == storage::file_action::create && file.unwanted);
}

bool open_files::in_trouble() const noexcept {
  return std::ranges::any_of(places_, [](const place_state& one) { return one.in_trouble; });
}

bool open_files::is_place_bad(std::uint32_t place, base::steady_time now) const noexcept {
  const place_state& state = places_[place];
  const auto patience = state.syncs_in_flight > 0 ? limits::sync_patience : limits::stall_patience;
  return (state.is_writing_troubled && now >= state.troubled_since + limits::trouble_patience) ||
         (state.data_in_flight > 0 && now >= state.answered_at + patience);
}

void open_files::retry(base::steady_time now) {
  now_ = now;
  if (!retry_at_ || now < *retry_at_) {
    return;
  }
  retry_at_.reset();
  // Trouble is over when all that is under way after this is answered and nothing has failed.
  const auto again = std::exchange(failed_, {});
  failed_.reserve(limits::requests_in_flight);
  for (place_state& place : places_) {
    place.answers_to_recover = place.in_flight;
  }
  for (const storage::file_completion& one : again) {
    places_[slots_[one.slot].place].answers_to_recover += tells_of_trouble(one) ? 1u : 0u;
  }
  for (const storage::file_completion& one : again) {
    switch (one.action) {
      case storage::file_action::create:
        if (slots_[one.slot].unwanted) {
          slots_[one.slot] = {};
        } else if (slots_[one.slot].is_lost) {
          give_up(one.slot);
        } else {
          request_create(one.slot);
        }
        break;
      case storage::file_action::publish:
        request_publish(one.slot);
        break;
      case storage::file_action::write:
        request_write(chunk_of(one.token));
        break;
      case storage::file_action::sync:
        request({.action = storage::file_action::sync, .slot = one.slot, .name = {}});
        break;
      case storage::file_action::finish:
        request_finish(one.slot);
        break;
      case storage::file_action::discard:
        slots_[one.slot] = {};  // closed already; a later start removes what is left of it
        break;
      case storage::file_action::grow:
      case storage::file_action::leave:
      case storage::file_action::remove:
      case storage::file_action::measure:
        break;
    }
  }
  for (std::uint32_t place = 0; place < places_.size(); ++place) {
    settle_trouble(place);
  }
}

std::uint64_t open_files::bytes_without_room(std::uint32_t place) const noexcept {
  std::uint64_t sum = 0;
  for (const storage::file_completion& one : failed_) {
    const int error = one.error.value();
    if (slots_[one.slot].place == place && !slots_[one.slot].is_lost &&
        (error == ENOSPC || error == EDQUOT)) {
      sum += one.action == storage::file_action::write ? chunk_of(one.token).untaken().size() : 1;
    }
  }
  return sum;
}

}  // namespace captured::pipeline
