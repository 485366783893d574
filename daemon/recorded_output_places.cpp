// SPDX-License-Identifier: MIT
//
// The part of recorded_output that follows its folders as they come and go.
#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/asio/post.hpp>
#include <fcntl.h>

#include "daemon/logging.hpp"
#include "daemon/output_log.hpp"
#include "daemon/recorded_output.hpp"

namespace captured::daemon {

namespace {

/// The second folder begins alone when the first one has given no answer for so long.
constexpr std::chrono::seconds first_place_patience{2};
/// From one attempt at a repair to the next.
constexpr std::chrono::seconds first_repair_pause{10};
constexpr std::chrono::seconds longest_repair_pause{3600};

/// Pages of direct writes are filled up with blocks, which other formats have none of.
storage::direct_mode direct_mode_of(const pipeline::output_options& options) {
  return options.format == pipeline::file_format::pcapng ? options.files.direct
                                                         : storage::direct_mode::off;
}

}  // namespace

base::result<> recorded_output::watch_place(std::uint32_t place, const std::string& recording,
                                            bool repair) {
  place_watch_events events;
  events.opened = [this, place](base::result<opened_place> opened) {
    post_to_reactor([this, place, opened = std::move(opened)]() mutable {
      on_opened(place, std::move(opened));
    });
  };
  events.lost = [this, place](const base::failure& why) {
    post_to_reactor([this, place, why] { on_lost(place, why); });
  };
  events.tested = [this, place](const base::result<>& how) {
    post_to_reactor([this, place, works = how.has_value()] {
      if (state_ == output_state::open) {
        writer_->set_works(place, works);
      }
    });
  };
  auto watch = output_place::start({.directory = places_[place].directory,
                                    .output = name(),
                                    .file_name = options_.files.file_name,
                                    .format = options_.format,
                                    .recording = recording,
                                    .rights = rights_,
                                    .require_mount = options_.files.require_mount && place == 0,
                                    .repair = repair,
                                    .left = left_},
                                   std::move(events));
  if (!watch) {
    return watch.error();
  }
  places_[place].watch = std::move(*watch);
  return {};
}

/// Each folder has troubles of its own.
log_fields recorded_output::about(std::uint32_t place) const {
  return {{"output", name()}, {"directory", places_[place].directory}};
}

void recorded_output::on_opened(std::uint32_t place, base::result<opened_place> opened) {
  place_state& state = places_[place];
  if (!state.watch || (state_ != output_state::opening && state_ != output_state::open)) {
    return;
  }
  state.has_answered = true;
  if (opened) {
    state.failure.reset();
    state.opened = std::move(*opened);
  } else {
    state.failure = opened.error();
  }
  if (state_ == output_state::opening) {
    return begin_if_possible();
  }
  if (!opened) {
    log_trouble(log_level::error, {about(place), "place"}, "{}", opened.error().message());
  } else if (attach_or_say(place)) {
    log_over(about(place), "{} can be used again", state.directory);
  }
}

bool recorded_output::attach_or_say(std::uint32_t place) {
  const auto attached = attach(place);
  if (!attached) {
    place_state& state = places_[place];
    state.failure = attached.error();
    log_trouble(log_level::error, {about(place), "place"}, "{} cannot be used: {}", state.directory,
                attached.error().message());
    state.watch->open_again();
  }
  return attached.has_value();
}

/// With the first folder, or, when that cannot be had, with the second.
void recorded_output::begin_if_possible() {
  place_state& first = places_[0];
  place_state& second = places_[1];
  if (!first.has_answered && second.opened) {
    first_place_timer_.expires_after(first_place_patience);
    first_place_timer_.async_wait(
        [this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
          if (!error && !alive.expired() && state_ == output_state::opening) {
            places_[0].has_answered = true;
            places_[0].failure =
                base::invalid_input("open directory " + places_[0].directory, "it gives no answer");
            begin_if_possible();
          }
        });
    return;
  }
  if (!first.has_answered || (!first.opened && second.watch && !second.has_answered)) {
    return;
  }
  first_place_timer_.cancel();
  if (!first.opened && !second.opened) {
    base::failure why = *first.failure;
    if (second.failure) {
      why.detail =
          (why.detail.empty() ? why.code.message() : why.detail) + "; " + second.failure->message();
    }
    return on_begun(why);
  }
  if (!first.opened) {
    log_trouble(log_level::error, {about(0), "place"}, "{}; the recording begins in {}",
                first.failure->message(), second.directory);
  }
  on_begun(start());
}

base::result<pipeline::output_folder> recorded_output::open_backend(std::uint32_t place,
                                                                    const opened_place& opened) {
  auto fd = opened.folder->duplicate();
  if (!fd) {
    return fd.error();
  }
  storage::file_writer_options files;
  files.with_sidecars = opened.own.with_sidecars;
  files.may_remove = [folder = opened.folder, own = opened.own](const std::string& name) {
    return folder->check_removable(name, own);
  };
  auto backend = storage::open_file_backend(
      std::move(*fd), direct_mode_of(options_), opened.direct_possible,
      [strand = writer_.get()](const storage::file_completion& done) { strand->complete(done); },
      std::move(files), {.one_thread = one_writer_thread_},
      std::make_shared<storage::system_calls>(rights_));
  if (!backend) {
    return backend.error();
  }
  if (!backend->remark.empty()) {
    log_line(log_level::info, {{"output", name()}}, "{}: {}", places_[place].directory,
             backend->remark);
  }
  // Whoever lets go of it last must not wait for its threads.
  auto* const polled = backend->polled;
  const std::shared_ptr<storage::file_operations> shared(
      backend->files.release(), [disposer = disposer_.get()](storage::file_operations* gone) {
        boost::asio::post(*disposer, [gone] { delete gone; });
      });
  pipeline::output_folder folder;
  folder.files = shared;
  if (polled != nullptr) {
    base::unique_fd event(::fcntl(polled->event_fd(), F_DUPFD_CLOEXEC, 0));
    if (!event) {
      return base::system_failure(errno, "duplicate an event");
    }
    writer_->watch(std::shared_ptr<storage::polled_files>(shared, polled), std::move(event));
  }
  return folder;
}

base::result<> recorded_output::attach(std::uint32_t place) {
  place_state& state = places_[place];
  opened_place opened = std::move(*std::exchange(state.opened, std::nullopt));
  auto folder = open_backend(place, opened);
  if (!folder) {
    return folder.error();
  }
  folder->directory = state.directory;
  folder->kept = std::move(opened.kept);
  folder->next_sequence = opened.start.next_sequence;
  writer_->attach_place(place, std::move(*folder));
  left_off_.merge(opened.left_off);
  if (!opened.unknown.empty()) {
    log_line(log_level::warning, about(place),
             "the disk tells neither size nor age of {} file(s), {} the first: no limit of retain "
             "counts or removes them until this output is opened again",
             opened.unknown.size(), opened.unknown.front());
  }
  if (!opened.unread.empty()) {
    log_line(log_level::warning, {{"output", name()}},
             "{} file(s) cannot be read, the first one: {}; where the life before wrote to "
             "them, packets that rings have yet are recorded again",
             opened.unread.size(), opened.unread.front().message());
  }
  state.folder = opened.folder;
  for (const auto& [part, how] : opened.repaired) {
    log_repaired(name(), part, how);
    if (!how && how.error().code.value() != ENOENT) {
      on_unrepaired(place, part, how.error());
    }
  }
  repair(opened.parts, opened.folder, place);
  // Before a loss, what is open may be that of a recorder of this process that gave up.
  if (state.has_lost_files || !state.was_lost) {
    state.left_parts = std::move(opened.still_open);
    state.left_prepared = std::move(opened.still_prepared);
    state.left_in = opened.folder;
  } else {
    // Nothing of ours is open there: what was in the folder before was closed while this one was
    // looked through.
    pipeline::found_parts left;
    left.to_repair = std::move(opened.still_open);
    left.prepared = std::move(opened.still_prepared);
    repair(left, opened.folder, place);
  }
  return {};
}

void recorded_output::on_lost(std::uint32_t place, const base::failure& why) {
  if (state_ != output_state::open) {
    return;
  }
  log_trouble(log_level::error, {about(place), "place"},
              "{}; what is being written there is closed", why.message());
  place_state& state = places_[place];
  state.has_lost_files = true;
  state.was_lost = true;
  state.left_parts.clear();
  state.left_prepared.clear();
  state.failed_parts.clear();
  state.folder.reset();
  state.left_in.reset();  // it could not be unmounted else
  writer_->lose_place(place, why);
}

/// Of what is left open there, nothing is ours any more.
void recorded_output::on_left(std::uint32_t place) {
  place_state& state = places_[place];
  state.has_lost_files = false;
  if (state.watch) {
    state.watch->set_repair(true);
  }
  pipeline::found_parts parts;
  parts.to_repair = std::exchange(state.left_parts, {});
  parts.prepared = std::exchange(state.left_prepared, {});
  if (const auto folder = std::exchange(state.left_in, nullptr)) {
    repair(parts, folder, place);
  }
}

pipeline::place_events recorded_output::follow_places() {
  pipeline::place_events events;
  events.moved = [this](std::uint32_t place, const std::string& why) {
    post_to_reactor([this, place, why] { log_move(place, why); });
  };
  events.test = [this](std::uint32_t place, bool wanted) {
    post_to_reactor([this, place, wanted] {
      if (places_[place].watch) {
        places_[place].watch->set_testing(wanted);
      }
    });
  };
  events.left_refused = [this](std::uint32_t place, const std::string& part) {
    post_to_reactor([this, place, part] { places_[place].refused.insert(part); });
  };
  events.left = [this](std::uint32_t place) { post_to_reactor([this, place] { on_left(place); }); };
  return events;
}

/// As a trouble of the second folder: that the first one can be used again does not end it yet.
void recorded_output::log_move(std::uint32_t place, const std::string& why) {
  const std::string& from = places_[1 - place].directory;
  const std::string& to = places_[place].directory;
  if (place == 0) {
    log_over(about(1), "{} works again: the recording is back there", to);
  } else {
    log_trouble(log_level::error, {about(1), "fallback"},
                "{} is in trouble{}{}; the recording goes on in {}", from, why.empty() ? "" : ": ",
                why, to);
  }
}

void recorded_output::repair(const pipeline::found_parts& parts,
                             const std::shared_ptr<const storage::output_directory>& folder,
                             std::uint32_t place) {
  for (const base::failure& why : parts.troubles) {
    log_line(log_level::error, {{"output", name()}}, "{}; it stays as it is", why.message());
  }
  for (const pipeline::repaired_part& one : parts.set_aside) {
    log_repaired(name(), one.part, one);
  }
  std::erase_if(repairs_, [](const auto& one) { return one->has_finished(); });
  if (parts.to_repair.empty() && parts.prepared.empty()) {
    return;
  }
  repairs_.push_back(std::make_unique<part_repairs>(
      folder, parts, places_[place].refused,
      [this, place, in = std::weak_ptr(folder)](const std::string& part,
                                                const base::result<pipeline::repaired_part>& how) {
        post_to_reactor([this, place, part, how, in] { on_repaired(place, part, how, in.lock()); });
      }));
}

void recorded_output::on_repaired(std::uint32_t place, const std::string& part,
                                  const base::result<pipeline::repaired_part>& how,
                                  const std::shared_ptr<const storage::output_directory>& folder) {
  if (!how && how.error().code.value() == ENOENT) {
    return;  // somebody took it
  }
  if (!how || !how->was_finished) {
    log_repaired(name(), part, how);
  }
  if (!how) {
    // A folder that was lost meanwhile is looked through when it is back.
    if (folder && folder == places_[place].folder.lock()) {
      on_unrepaired(place, part, how.error());
    }
    return;
  }
  repair_pause_ = {};
  if (state_ == output_state::open) {
    storage::kept_file file = how->file;
    file.place = place;
    if (file.sequence == 0) {  // of a format that does not say it
      const auto own = pipeline::own_files_of(options_.files, options_.format);
      file.sequence = own ? own->names.sequence_of(part).value_or(0) : 0;
    }
    writer_->keep(std::move(file));
  }
}

/// It is tried again later, as long as the folder is this one.
void recorded_output::on_unrepaired(std::uint32_t place, const std::string& part,
                                    const base::failure& why) {
  if (why.code.value() == pipeline::refused_error) {
    places_[place].refused.insert(part);
  }
  if (state_ != output_state::open && state_ != output_state::opening) {
    return;
  }
  const bool is_armed = std::ranges::any_of(
      places_, [](const place_state& one) { return !one.failed_parts.empty(); });
  places_[place].failed_parts.push_back(part);
  if (is_armed) {
    return;
  }
  repair_pause_ = std::clamp(2 * repair_pause_, first_repair_pause, longest_repair_pause);
  repair_timer_.expires_after(repair_pause_);
  repair_timer_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
    if (!error && !alive.expired()) {
      repair_again();
    }
  });
}

void recorded_output::repair_again() {
  if (state_ != output_state::open) {
    return;
  }
  for (std::uint32_t place = 0; place < storage::places_max; ++place) {
    pipeline::found_parts parts;
    parts.to_repair = std::exchange(places_[place].failed_parts, {});
    if (const auto folder = places_[place].folder.lock()) {
      repair(parts, folder, place);
    }
  }
}

}  // namespace captured::daemon
