// SPDX-License-Identifier: MIT
//
// The part of output_recorder that goes from one folder to another and back.
#include <algorithm>
#include <utility>

#include "pipeline/limits.hpp"
#include "pipeline/output_recorder.hpp"
#include "pipeline/unwritten.hpp"

namespace captured::pipeline {

void output_recorder::attach(std::uint32_t place, output_folder folder, base::moment now) {
  now_ = now;
  open_files& files = stream_.files();
  // Where files of the folder before are still open and fail, they would do so for ever.
  files.give_up_lost(place);
  files.set_directory(place, folder.directory);
  tell_refused(router_.attach(place, std::move(folder.files)));
  keeper_.attach(place, std::move(folder.directory), std::move(folder.kept));
  number_next(std::max(series_.next_sequence, folder.next_sequence));
  tested_well_[place] = false;
}

void output_recorder::lose(std::uint32_t place, const base::failure& why, base::moment now) {
  now_ = now;
  stream_.files().lose(place);
  router_.detach(place);
  keeper_.detach(place);
  lost_for_[place] = why;
  tested_well_[place] = false;
  has_left_files_[place] = true;
}

place_view output_recorder::view_of(std::uint32_t place, base::steady_time now) const {
  const open_files& files = stream_.files();
  place_view view;
  view.is_attached = router_.is_attached(place);
  view.is_bad = files.is_place_bad(place, now);
  view.is_full = keeper_.is_full(place);
  view.works =
      tested_well_[place] && !view.is_bad && !files.in_trouble(place) && keeper_.has_plenty(place);
  return view;
}

std::string output_recorder::trouble_of(std::uint32_t place, base::steady_time now) const {
  const place_view view = view_of(place, now);
  const open_files& files = stream_.files();
  if (!view.is_attached) {
    return lost_for_[place].code ? lost_for_[place].message() : std::string();
  }
  if (files.in_trouble(place)) {
    return files.last_trouble(place).message();
  }
  if (view.is_bad) {
    return "the disk gives no answer";
  }
  return view.is_full ? "the disk is full" : std::string();
}

void output_recorder::choose_place(base::moment now) {
  stream_.files().give_up_hopeless(now.steady);
  const std::array<place_view, storage::places_max> views{view_of(0, now.steady),
                                                          view_of(1, now.steady)};
  const std::uint32_t before = choice_.current();
  const std::uint32_t after = choice_.choose(views, now.steady);
  for (std::uint32_t i = 0; i < storage::places_max; ++i) {
    // A full disk can still be made room on; one that fails cannot.
    const bool lacks_room = stream_.files().bytes_without_room(i) > 0;
    keeper_.set_reachable(i, !views[i].is_bad || lacks_room);
  }
  if (after != before) {
    stream_.files().use(after);
    if (place_events_.moved) {
      place_events_.moved(after, trouble_of(before, now.steady));
    }
  }
  tell_of_places();
}

void output_recorder::tell_of_places() {
  for (std::uint32_t i = 0; i < storage::places_max; ++i) {
    const bool wanted = router_.is_attached(i) && i != choice_.current();
    if (place_events_.test && std::exchange(tests_wanted_[i], wanted) != wanted) {
      place_events_.test(i, wanted);
    }
    if (has_left_files_[i] && !stream_.files().has_lost(i)) {
      has_left_files_[i] = false;
      if (place_events_.left) {
        place_events_.left(i);
      }
    }
  }
}

void output_recorder::on_given_up(const std::vector<chunk*>& pieces) {
  has_lost_packets_ = true;
  ports_.count_given_up([&] { settle_unfinished(pieces, ports_, records_); });
  for (const chunk* const piece : pieces) {
    count_back(*piece);
  }
}

/// For the next file: the current one stays open for good.
void output_recorder::go_on_behind_current() {
  if (stream_.files().may_current_be_named()) {
    series_.previous = stream_.files().current_name();
  } else {
    number_next(series_.next_sequence - 1);  // nobody will ever see it
  }
}

/// A file that was made ready tells its number by its hidden name, from which it is named when a
/// power cut takes the name that it was given: so one of another number is made.
void output_recorder::number_next(std::uint64_t sequence) {
  if (std::exchange(series_.next_sequence, sequence) != sequence) {
    stream_.files().discard_next();
  }
}

/// The file stays as it is in a folder that is gone: repair makes it whole when that is back.
void output_recorder::abandon_file() {
  go_on_behind_current();
  stream_.abandon();
  ports_.forget_file();
  has_lost_packets_ = true;
  rotation_asked_ = false;
}

}  // namespace captured::pipeline
