// SPDX-License-Identifier: MIT
//
// The folders of a simulated output as they come and go: what output_place and recorded_output do
// with threads.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "pipeline/series.hpp"
#include "simulated_output.hpp"

namespace captured::simulation {

namespace {

/// The simulated disk has one folder; this one is only opened.
constexpr const char* some_folder = "/";

}  // namespace

std::optional<simulated_output::opened_place> simulated_output::open_place(std::uint32_t place) {
  simulated_place& at = places_[place];
  if (!at.disk->is_mounted() || (places_.size() > 1 && at.is_stalled)) {
    return std::nullopt;
  }
  const std::shared_ptr<storage::system_calls> calls(std::shared_ptr<void>(), at.disk);
  auto folder = storage::output_directory::open(some_folder, false, {}, calls);
  if (!folder) {
    return std::nullopt;
  }
  opened_place opened;
  storage::prepared_outcome left;
  if (at.repairs) {
    auto prepared = folder->remove_prepared(*own_);
    if (!prepared) {
      return std::nullopt;
    }
    left = std::move(*prepared);
    if (left.left) {
      world_.files.excuse_unnamed(*at.disk, options_.files.name);  // its number is not used again
    }
    auto found = pipeline::find_parts(*folder, *own_);
    if (!found) {
      return std::nullopt;
    }
    opened.parts = std::move(found->to_repair);
  } else if (places_.size() > 1) {
    const auto found = folder->find_parts(*own_);
    if (!found) {
      return std::nullopt;
    }
    for (const storage::open_part& one : *found) {
      opened.still_open.push_back(one.name);
    }
  }
  if (world_.keeps_rings && !look_for_left_off(*folder, opened)) {
    return std::nullopt;
  }
  auto start = pipeline::continue_series(*folder, *own_, recording_);
  auto kept = folder->find_kept(*own_);
  if (!start || !kept) {
    return std::nullopt;
  }
  opened.start = std::move(*start);
  pipeline::go_on_behind(opened.start, left);
  opened.kept = std::move(kept->files);
  opened.unknown = std::move(kept->unknown);
  opened.folder = std::make_shared<const storage::output_directory>(std::move(*folder));
  return opened;
}

void simulated_output::attach(std::uint32_t place, opened_place opened) {
  simulated_place& at = places_[place];
  at.folder = opened.folder;
  at.mount = at.disk->mounts();
  at.unknown = {opened.unknown.begin(), opened.unknown.end()};
  at.lives.push_back({.files = std::make_shared<pumped_files>(
                          *at.disk, world_.found,
                          [this](const storage::file_completion& done) {
                            recorder_->on_completion(done, world_.now);
                          },
                          [this, place, folder = opened.folder](const std::string& name) {
                            if (places_[place].folder != folder) {
                              places_[place].removed_late.insert(name);
                            }
                            return folder->check_removable(name, *own_);
                          },
                          [this, place](const std::string& name) { check_removal(place, name); })});
  if (world_.keeps_rings) {
    at.lives.back().files->end_exactly();
  }
  recorder_->attach(place,
                    {.files = at.lives.back().files,
                     .directory = place == 0 ? options_.files.directory : options_.files.fallback,
                     .kept = std::move(opened.kept),
                     .next_sequence = opened.start.next_sequence},
                    world_.now);
  for (std::string& name : opened.parts) {
    to_repair_.push_back({place, std::move(name), opened.folder});
  }
  if (at.has_lost_files || !at.was_lost) {
    at.left_parts = std::move(opened.still_open);
    return;
  }
  for (std::string& name : opened.still_open) {
    to_repair_.push_back({place, std::move(name), opened.folder});
  }
}

void simulated_output::lose(std::uint32_t place) {
  simulated_place& at = places_[place];
  world_.files.excuse_unnamed(*at.disk, options_.files.name);
  world_.files.on_given_up(*at.disk, options_.files.name);
  at.folder.reset();
  at.repairs = false;
  at.was_lost = true;
  at.has_lost_files = true;
  at.left_parts.clear();
  recorder_->lose(place, base::system_failure(ENOENT, "look at the folder"), world_.now);
}

void simulated_output::on_left(std::uint32_t place) {
  simulated_place& at = places_[place];
  at.has_lost_files = false;
  at.repairs = true;
  for (std::string& name : std::exchange(at.left_parts, {})) {
    to_repair_.push_back({place, std::move(name), at.folder});
  }
}

void simulated_output::on_disk_gone(const simulated_disk& disk, disk_fate fate) {
  for (simulated_place& at : places_) {
    if (at.disk != &disk) {
      continue;
    }
    at.is_stalled = false;
    for (simulated_place::life& one : at.lives) {
      one.hangs |= fate == disk_fate::hangs;
      if (fate == disk_fate::fails) {
        one.files->die();
      }
    }
  }
}

void simulated_output::release_all() noexcept {
  for (simulated_place& at : places_) {
    at.is_stalled = false;
    for (simulated_place::life& one : at.lives) {
      one.hangs = false;
    }
  }
}

void simulated_output::set_stalled(std::uint32_t place, bool stalled) noexcept {
  places_[place].is_stalled = stalled;
}

void simulated_output::look() {
  if (places_.size() == 1 || !is_open() || is_stopping_) {
    return;
  }
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    if (!places_[i].is_stalled) {
      look_at(i);
    }
  }
  step();
}

void simulated_output::look_at(std::uint32_t place) {
  simulated_place& at = places_[place];
  if (at.folder && (!at.disk->is_mounted() || at.disk->mounts() != at.mount)) {
    lose(place);
  }
  if (at.folder) {
    if (at.is_tested) {
      recorder_->set_works(place, at.folder->test_writing(options_.files.name).has_value());
    }
  } else if (auto opened = open_place(place)) {
    attach(place, std::move(*opened));
  }
}

/// Lets go of what the recorder has let go of: nothing may be left there to be done.
void simulated_output::drop_lives() {
  for (simulated_place& at : places_) {
    std::erase_if(at.lives, [this](const simulated_place::life& one) {
      if (one.files.use_count() > 1) {
        return false;
      }
      world_.found.check(!one.files->has_work() && !one.files->has_open_files(),
                         [] { return std::string("a folder is let go of that is in use"); });
      return true;
    });
  }
}

/// One of those that can do something just now.
pumped_files* simulated_output::next_at_work() {
  std::vector<pumped_files*> able;
  for (const simulated_place& at : places_) {
    for (const simulated_place::life& one : at.lives) {
      const bool is_newest = at.folder && &one == &at.lives.back();
      if (one.files->has_work() && !one.hangs && !(is_newest && at.is_stalled)) {
        able.push_back(one.files.get());
      }
    }
  }
  if (able.empty()) {
    return nullptr;
  }
  return able.size() == 1 ? able.front() : able[chance_.below(able.size())];
}

std::uint64_t simulated_output::times_full() const {
  std::uint64_t sum = 0;
  for (const simulated_place& at : places_) {
    sum += at.disk->times_full();
  }
  return sum;
}

bool simulated_output::is_content() const {
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    if (!recorder_->trouble_of(i, world_.now.steady).empty()) {
      return false;
    }
  }
  return recorder_->place() == 0 && !recorder_->in_trouble();
}

}  // namespace captured::simulation
