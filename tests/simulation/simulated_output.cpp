// SPDX-License-Identifier: MIT
//
// An output's life. Its interfaces and what it is judged by are in simulated_lines.cpp.
#include "simulated_output.hpp"

#include <atomic>
#include <utility>

#include "pipeline/series.hpp"

namespace captured::simulation {

namespace {

/// Enough for the longest texts of a few interfaces, and small enough to be full now and then.
constexpr std::size_t chunk_bytes = 32 << 10;

/// The simulated disk has one folder; this one is only opened.
constexpr const char* some_folder = "/";

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
}

void simulated_output::begin_process(std::string recording) {
  recording_ = std::move(recording);
  former_.reset();

  gave_up_ = false;
  is_unproven_ = false;

  for (line& one : lines_) {
    one.ledger = std::make_unique<pipeline::interface_ledger>();
    one.current = {.first = static_cast<std::uint32_t>(one.sent.packets.size())};
  }
}

void simulated_output::end_process(bool power_is_lost) {
  for (line& one : lines_) {
    one.current.is_settled = !is_open() && !gave_up_;
    one.current.is_unproven = is_unproven_;
    one.current.end = static_cast<std::uint32_t>(one.sent.packets.size());
    one.current.stored = one.ledger->stored.get();
    one.accounts.push_back(one.current);
    for (account& each : one.accounts) {
      if (power_is_lost && (each.is_unproven || !each.is_settled)) {
        each.is_settled = false;
        each.stored = 0;
      }
    }
  }
  if (files_) {
    files_->end_process(chance_);
  }
  close();
}

void simulated_output::close() {
  if (recorder_ && recorder_->outcome().ended) {
    gave_up_ |= recorder_->outcome().gave_up;
    is_unproven_ |= recorder_->outcome().unproven;

    former_ = recorder_->outcome().next;
    if (files_) {
      files_->end_process(chance_);
    }
  }
  recorder_.reset();
  files_.reset();
  folder_.reset();
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
  const std::shared_ptr<storage::system_calls> calls(std::shared_ptr<void>(), &world_.disk);
  auto folder = storage::output_directory::open(some_folder, false, {}, calls);
  own_ = std::move(*pipeline::own_files_of(options_.files));
  if (!folder || !folder->remove_prepared(*own_)) {
    return false;
  }
  auto parts = former_ ? pipeline::found_parts{} : pipeline::find_parts(*folder, *own_);
  auto start = pipeline::continue_series(*folder, *own_, recording_);
  auto kept = folder->find_kept(*own_);
  if (!parts || !start || !kept) {
    return false;
  }
  if (former_ && gave_up_) {
    world_.files.forgive_gap();
  }
  if (former_ && former_->next_sequence >= start->next_sequence) {
    *start = *former_;
  }
  folder_ = std::move(*folder);
  to_repair_ = std::move(parts->to_repair);
  files_ = std::make_unique<pumped_files>(
      world_.disk, world_.found,
      [this](const storage::file_completion& done) { recorder_->on_completion(done, world_.now); },
      [this](const std::string& name) { return folder_->check_removable(name, *own_); });
  pipeline::recorder_surroundings around = surroundings();
  around.earlier = std::move(*kept);
  recorder_ = std::move(
      *pipeline::output_recorder::make(options_, std::move(*start), std::move(around), world_.now));
  times_full_at_open_ = world_.disk.times_full();

  step();
  return true;
}

pipeline::recorder_surroundings simulated_output::surroundings() {
  pipeline::recorder_surroundings around;
  around.files = files_.get();
  around.where = where_;
  around.chunk_bytes = chunk_bytes;
  around.released = [this](const std::string& name) {
    for (line& one : lines_) {
      one.is_released |= one.sent.name == name;
    }
  };
  around.events.begun = [](const std::string&) {};
  around.events.closed = [this](const pipeline::closed_file& file) {
    world_.files.on_closed(file.name);
  };
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
      one.state = line_state::absent;
    }
  }
  wake_at_ = recorder_->outcome().ended ? base::steady_time::max() : recorder_->wake_at(world_.now);
}

void simulated_output::step() {
  if (recorder_ && !recorder_->outcome().ended) {
    recorder_->run(world_.now);
    after();
  }
}

void simulated_output::pump(std::uint64_t acts_max) {
  for (std::uint64_t i = 0; i < acts_max && files_ && !is_stalled_; ++i) {
    if (!files_->run_one(chance_)) {
      earlier_limits_.clear();
      return;
    }
    after();
  }
}

void simulated_output::stop(std::chrono::milliseconds timeout) {
  is_stopping_ = true;
  for (std::uint32_t i = 0; i < lines_.size(); ++i) {
    if (lines_[i].state != line_state::absent) {
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
  earlier_limits_.push_back(std::exchange(options_, changed).files.retain);
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
  if (!folder_ || to_repair_.empty()) {
    return false;
  }
  const std::string name = to_repair_.front();
  to_repair_.erase(to_repair_.begin());
  const std::atomic<bool> goes_on{false};
  const auto done = pipeline::repair_part(*folder_, name, goes_on);
  if (done && recorder_) {
    recorder_->keep(done->file);
  }
  return true;
}

}  // namespace captured::simulation
