// SPDX-License-Identifier: MIT
#include "daemon/output_place.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iterator>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <pthread.h>

#include "base/blocked_signals.hpp"
#include "daemon/place_sleep.hpp"
#include "storage/output_claim.hpp"
#include "storage/uring_writer.hpp"

namespace captured::daemon {

namespace {

/// Between two looks at a folder that is well: each one is a wake-up of an idle machine. What is
/// unmounted is noticed before.
constexpr std::chrono::milliseconds look_pause{1500};
/// While it is away or tested: short enough to go on within two seconds of the cure.
constexpr std::chrono::milliseconds retry_pause{500};

}  // namespace

struct output_place::shared_state {
  place_options options;
  std::atomic<bool> testing{false};
  std::atomic<bool> repair{true};
  std::atomic<bool> again{false};
  std::atomic<bool> stop{false};
  place_sleep between_looks;
  std::mutex mutex;
  place_watch_events events;  // guarded by mutex; empty once nobody wants to know

  /// Guarded by mutex, since it ends as soon as nobody wants to know. Closed by the thread alone
  /// and without the mutex: a dead disk may never let it go on.
  base::unique_fd claim;

  // The thread's own.
  std::shared_ptr<const storage::output_directory> folder;
  std::map<std::string, pipeline::recording_end> ends;  ///< of parts that were read, by name

  void run();
  void look();
  void drop_claim();
  base::result<opened_place> open();
  base::result<> find_open(opened_place& place, storage::prepared_outcome& left);
  void repair_now(opened_place& place);
  template <class Event, class... Args>
  void tell(Event place_watch_events::*event, Args&&... args) {
    const std::lock_guard lock(mutex);
    if (events.*event) {
      (events.*event)(std::forward<Args>(args)...);
    }
  }
};

/// How far the rings were dealt with is known when what was open is whole.
void output_place::shared_state::repair_now(opened_place& place) {
  for (const std::string& part : std::exchange(place.parts.to_repair, {})) {
    std::optional<pipeline::recording_end> end;
    place.repaired.emplace_back(part, pipeline::repair_part(*place.folder, part, stop, &end));
    if (end) {
      ends[part] = std::move(*end);
    }
  }
}

/// Files that were open: repaired, or left to who writes them.
base::result<> output_place::shared_state::find_open(opened_place& place,
                                                     storage::prepared_outcome& left) {
  if (!repair) {
    // What was made ready may be about to get its name, by a disk that hangs, and stays, too.
    const auto parts = place.folder->find_parts(place.own);
    if (!parts) {
      return parts.error();
    }
    for (const storage::open_part& one : *parts) {
      place.still_open.push_back(one.name);
    }
    auto prepared = place.folder->find_prepared(options.output);
    if (!prepared) {
      return prepared.error();
    }
    place.still_prepared = std::move(*prepared);
    return {};
  }
  auto prepared = place.folder->remove_prepared(place.own);
  if (!prepared) {
    return prepared.error();
  }
  auto parts = pipeline::find_parts(*place.folder, place.own);
  if (!parts) {
    return parts.error();
  }
  place.parts = std::move(*parts);
  std::ranges::move(prepared->troubles, std::back_inserter(place.parts.troubles));
  left = std::move(*prepared);
  if (!options.left.empty()) {
    repair_now(place);
  }
  return {};
}

base::result<opened_place> output_place::shared_state::open() {
  ends.clear();
  auto opened =
      storage::output_directory::open(options.directory, options.require_mount, options.rights);
  if (!opened) {
    return opened.error();
  }
  opened_place place;
  place.folder = std::make_shared<const storage::output_directory>(std::move(*opened));
  const auto fd = place.folder->duplicate();
  if (!fd) {
    return fd.error();
  }
  auto claimed =
      storage::claim_output(fd->get(), options.directory, options.output, options.rights);
  if (!claimed) {
    return claimed.error();
  }
  auto own = pipeline::own_files_of({.name = options.output, .file_name = options.file_name},
                                    options.format);
  if (!own) {
    return own.error();
  }
  place.own = std::move(*own);
  // First, for it changes which file is the last.
  storage::prepared_outcome left;
  if (const auto found = find_open(place, left); !found) {
    return found.error();
  }
  auto start = pipeline::continue_series(*place.folder, place.own, options.recording);
  if (!start) {
    return start.error();
  }
  place.start = std::move(*start);
  pipeline::go_on_behind(place.start, left);
  if (!options.left.empty()) {
    auto left_off = pipeline::find_left_off(*place.folder, place.own, options.left, ends, stop);
    if (!left_off) {
      return left_off.error();
    }
    place.left_off = std::move(left_off->totals);
    place.unread = std::move(left_off->unread);
  }
  auto kept = place.folder->find_kept(place.own);
  if (!kept) {
    return kept.error();
  }
  place.kept = std::move(kept->files);
  place.unknown = std::move(kept->unknown);
  place.direct_possible = storage::has_direct_writes(fd->get());
  folder = place.folder;
  options.left.clear();  // it is known now, and to look again would only take time
  const std::lock_guard lock(mutex);
  if (!stop) {
    claim = std::move(*claimed);
  }
  return place;
}

void output_place::shared_state::drop_claim() {
  base::unique_fd gone;
  const std::lock_guard lock(mutex);
  gone = std::move(claim);  // closed when the mutex is free again
}

void output_place::shared_state::look() {
  if (again.exchange(false)) {
    folder.reset();
    drop_claim();
  }
  if (!folder) {
    tell(&place_watch_events::opened, open());
    return;
  }
  if (const auto there = folder->check_path(); !there) {
    // Before it is opened again, perhaps as the same folder on another mount.
    folder.reset();
    drop_claim();
    // Files of ours may be open in it still.
    repair = false;
    tell(&place_watch_events::lost, there.error());
    tell(&place_watch_events::opened, open());
    return;
  }
  if (testing) {
    tell(&place_watch_events::tested, folder->test_writing(options.output));
  }
}

void output_place::shared_state::run() {
  while (!stop) {
    look();
    between_looks.sleep(folder && !testing ? look_pause : retry_pause);
  }
  drop_claim();
}

base::result<std::unique_ptr<output_place>> output_place::start(place_options options,
                                                                place_watch_events events) {
  auto state = std::make_shared<shared_state>();
  state->repair = options.repair;
  state->options = std::move(options);
  state->events = std::move(events);
  std::unique_ptr<output_place> place(new output_place(state));
  const base::blocked_signals blocked;
  base::result<std::unique_ptr<output_place>> made = std::move(place);
  try {
    std::thread thread([state] { state->run(); });
    ::pthread_setname_np(thread.native_handle(), "file-place");
    thread.detach();
  } catch (const std::system_error& error) {
    made = base::system_failure(error.code().value(), "start a thread for a directory");
  }
  return made;
}

output_place::~output_place() {
  state_->stop = true;
  const std::lock_guard lock(state_->mutex);
  state_->events = {};
  storage::end_claim(state_->claim);
  state_->between_looks.wake();
}

void output_place::open_again() noexcept {
  state_->again = true;
}

void output_place::set_testing(bool wanted) noexcept {
  state_->testing = wanted;
  if (wanted) {
    state_->between_looks.wake();
  }
}

void output_place::set_repair(bool repair) noexcept {
  state_->repair = repair;
}

}  // namespace captured::daemon
