// SPDX-License-Identifier: MIT
//
// An output's life. Its interfaces and what it is judged by are in simulated_lines.cpp, its folders
// in simulated_places.cpp.
#include "simulated_output.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "pipeline/series.hpp"

namespace captured::simulation {

namespace {

/// Enough for the longest texts of a few interfaces, and small enough to be full now and then.
constexpr std::size_t chunk_bytes = 32 << 10;

}  // namespace

simulated_output::simulated_output(shared_world world, pipeline::output_options options,
                                   random_source chance, std::uint32_t first_interface,
                                   std::uint32_t interface_count)
    : world_(world),
      options_(std::move(options)),
      chance_(chance),
      first_interface_(first_interface),
      lines_(interface_count) {
  ring_.block_count = static_cast<std::uint32_t>(chance_.between(2, 6));
  static constexpr std::uint32_t sizes[] = {4096, 4096, 8192};
  ring_.block_bytes = chance_.pick(sizes);
  ring_.reserve = chance_.chance(800) ? 2 : static_cast<std::uint32_t>(chance_.below(8));
  where_ = chance_.chance(500) ? pipeline::placement::paged : pipeline::placement::packed;
  for (std::uint32_t i = 0; i < interface_count; ++i) {
    lines_[i].sent.name = "if" + std::to_string(first_interface + i);
  }
  const std::size_t places = options_.files.fallback.empty() ? 1 : 2;
  for (std::size_t i = 0; i < places; ++i) {
    places_.push_back({.disk = world_.disks[i].get()});
  }
}

void simulated_output::begin_process(std::string recording) {
  recording_ = std::move(recording);
  ends_.clear();
  former_.reset();

  gave_up_ = false;
  is_unproven_ = false;

  for (line& one : lines_) {
    one.ledger = std::make_unique<pipeline::interface_ledger>();
    one.was_taken = false;
    one.drops_let_go = 0;
    one.current = {.first = static_cast<std::uint32_t>(one.sent.packets.size())};
  }
}

void simulated_output::end_process(bool power_is_lost) {
  for (line& one : lines_) {
    // Of what was given up with a file, some may be found there all the same.
    one.current.is_settled =
        !is_open() && !gave_up_ && (places_.size() == 1 || one.ledger->unwritten.get() == 0);
    // One that was left for repair, since its folder was gone, was never forced; nor must one be
    // that the repair set aside.
    one.current.is_unproven =
        is_unproven_ || std::ranges::any_of(places_, [&](const simulated_place& each) {
          return world_.files.is_left_unforced(
              *each.disk, first_interface_ + static_cast<std::uint32_t>(&one - lines_.data()),
              one.current.first);
        });
    one.current.end = static_cast<std::uint32_t>(one.sent.packets.size());
    one.current.stored = one.ledger->stored.get();
    if (!world_.keeps_rings) {
      one.accounts.push_back(one.current);
    }
    for (account& each : one.accounts) {
      if (power_is_lost && (each.is_unproven || !each.is_settled)) {
        each.is_settled = false;
        each.stored = 0;
      }
    }
  }
  for (simulated_place& place : places_) {
    place.removed_late.clear();
    for (const simulated_place::life& one : place.lives) {
      one.files->end_process(chance_);
    }
  }
  close();
}

void simulated_output::close() {
  if (recorder_ && recorder_->outcome().ended) {
    gave_up_ |= recorder_->outcome().gave_up;
    is_unproven_ |= recorder_->outcome().unproven;

    former_ = recorder_->outcome().next;
    if (gave_up_) {
      world_.files.on_given_up(options_.files.name, former_->next_sequence - 1);
    }
    for (const simulated_place& place : places_) {
      if (gave_up_) {
        world_.files.excuse_unnamed(*place.disk, options_.files.name);
        world_.files.on_given_up(*place.disk, options_.files.name);
      }
      for (const simulated_place::life& one : place.lives) {
        one.files->end_process(chance_);
      }
    }
  }
  for (line& one : lines_) {
    end_kept_ring(one);
  }
  recorder_.reset();
  for (simulated_place& place : places_) {
    place = {.disk = place.disk, .is_stalled = place.is_stalled};
  }
  to_repair_.clear();
  for (line& one : lines_) {
    one.feed.reset();
    one.ring.reset();
    one.state = line_state::absent;
    one.is_released = false;
  }
  is_stopping_ = false;
  wake_at_ = base::steady_time::max();
}

bool simulated_output::open() {
  own_ = std::move(*pipeline::own_files_of(options_.files));
  std::vector<std::optional<opened_place>> opened;
  pipeline::series_start start;
  start.recording = recording_;
  bool are_all_there = true;
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    places_[i].repairs = !former_.has_value();
    opened.push_back(open_place(i));
    are_all_there &= opened.back().has_value();
    if (opened.back() && opened.back()->start.next_sequence > start.next_sequence) {
      start = opened.back()->start;
    }
  }
  if (std::ranges::none_of(opened, [](const auto& one) { return one.has_value(); })) {
    return false;
  }
  if ((former_ && gave_up_) || !are_all_there) {
    world_.files.forgive_gap();  // numbers may be used twice
  }
  if (former_) {
    pipeline::go_on_from(start, *former_);
  }
  recorder_ = std::move(
      *pipeline::output_recorder::make(options_, std::move(start), surroundings(), world_.now));
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    if (opened[i]) {
      attach(i, std::move(*opened[i]));
    }
  }
  times_full_at_open_ = times_full();
  step();
  return true;
}

pipeline::recorder_surroundings simulated_output::surroundings() {
  pipeline::recorder_surroundings around;
  around.where = where_;
  around.chunk_bytes = chunk_bytes;
  around.released = [this](const std::string& name) {
    for (line& one : lines_) {
      one.is_released |= one.sent.name == name;
    }
  };
  around.events.begun = [](const std::string&) {};
  around.events.closed = [this](const pipeline::closed_file& file) {
    world_.files.on_closed(places_[file.place].disk->label() + file.name);
  };
  if (places_.size() > 1) {
    around.places.test = [this](std::uint32_t place, bool wanted) {
      places_[place].is_tested = wanted;
    };
    around.places.moved = [](std::uint32_t, const std::string&) {};
    around.places.left_refused = [this](std::uint32_t place, const std::string& part) {
      places_[place].refused.insert(part);
    };
    around.places.left = [this](std::uint32_t place) { has_left_[place] = true; };
  }
  around.events.trouble = [](const base::failure&) {};
  around.events.unproven = [](const base::failure&) {};
  around.events.recovered = [] {};
  around.keeping.removed = [](const storage::kept_file&, storage::removal_reason) {};
  around.keeping.trouble = [](const base::failure&) {};
  return around;
}

/// What the strand does after each event, and the reactor with what it is told then.
void simulated_output::after() {
  for (line& one : lines_) {
    if (std::exchange(one.is_released, false)) {
      one.feed.reset();
      one.ring.reset();
      let_go_of_ring(one);
      one.state = line_state::absent;
    }
  }
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    if (std::exchange(has_left_[i], false)) {
      on_left(i);
    }
  }
  drop_lives();
  wake_at_ = recorder_->outcome().ended ? base::steady_time::max() : recorder_->wake_at(world_.now);
}

void simulated_output::step() {
  if (recorder_ && !recorder_->outcome().ended) {
    recorder_->run(world_.now);
    after();
  }
}

void simulated_output::pump(std::uint64_t acts_max) {
  for (std::uint64_t i = 0; i < acts_max; ++i) {
    pumped_files* const next = next_at_work();
    if (next == nullptr || !next->run_one(chance_)) {
      break;
    }
    after();
  }
}

void simulated_output::stop(std::chrono::milliseconds timeout, bool leaves_rings) {
  is_stopping_ = true;
  for (std::uint32_t i = 0; i < lines_.size(); ++i) {
    line& one = lines_[i];
    one.is_to_be_left = leaves_rings && world_.keeps_rings && one.state == line_state::recording;
    if (one.is_to_be_left) {
      one.ring->retire();
      one.feed->offer_finished_blocks();
      one.feed->hand_over();
      one.state = line_state::leaving;
    } else if (one.state != line_state::absent) {
      close_feed(i);
    }
  }
  recorder_->stop(world_.now.steady + timeout);
  step();
}

void simulated_output::rotate() {
  recorder_->rotate();
  step();
}

void simulated_output::reconfigure(const pipeline::output_options& changed) {
  options_ = changed;
  if (recorder_) {
    recorder_->reconfigure(changed, world_.now);
    step();
  }
}

void simulated_output::refresh_ledger() {
  if (recorder_) {
    recorder_->refresh_ledger();
  }
}

bool simulated_output::repair_one() {
  if (to_repair_.empty()) {
    return false;
  }
  const to_repair next = to_repair_.front();
  to_repair_.erase(to_repair_.begin());
  const std::atomic<bool> goes_on{false};
  const auto done = places_[next.place].refused.contains(next.name)
                        ? pipeline::set_refused_aside(*next.folder, next.name)
                        : pipeline::repair_part(*next.folder, next.name, goes_on);
  if (!done && done.error().code.value() == pipeline::refused_error) {
    places_[next.place].refused.insert(next.name);
  }
  if (done && recorder_) {
    storage::kept_file file = done->file;
    file.place = next.place;
    if (done->was_finished) {
      file.sequence = own_->names.sequence_of(next.name).value_or(0);
    }
    recorder_->keep(std::move(file));
  }
  return true;
}

}  // namespace captured::simulation
