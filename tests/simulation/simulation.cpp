// SPDX-License-Identifier: MIT
//
// The frame of a run: set-up, processes and their ends, the way of time. What can happen on the way
// is in simulation_acts.cpp, the last judgement in simulation_end.cpp.
#include "simulation.hpp"

#include <algorithm>
#include <utility>

namespace captured::simulation {

namespace {

using namespace std::chrono_literals;

/// 2026-01-01 00:00:00 UTC: a multiple of every usual interval.
constexpr std::int64_t begin_seconds = 1767225600;

/// A strand that wakes more often than this within one step of time spins.
constexpr int wakes_max = 5000;

/// How often the folders of an output are looked at.
constexpr std::chrono::milliseconds look_pause{500};

/// Seeds that end in 1, 3, 7 or 9 have a second folder to go to.
bool has_fallback(std::uint64_t seed) {
  return seed % 2 != 0 && seed % 5 != 0;
}

/// Seeds that end in 0 have rings that outlive the process.
bool has_kept_rings(std::uint64_t seed) {
  return seed % 10 == 0;
}

disk_traits draw_traits(random_source& chance) {
  return {.has_exclusive_rename = true,
          .preallocates = chance.chance(700),
          .sync_keeps_names = chance.chance(800)};
}

}  // namespace

simulation::simulation(std::uint64_t seed, trace how)
    : traced_(how == trace::on),
      chance_(seed),
      keeps_rings_(has_kept_rings(seed)),
      may_lose_power_(chance_.chance(700) && !keeps_rings_),
      now_{base::wall_time(std::chrono::seconds(begin_seconds)),
           base::steady_time(std::chrono::seconds(1000))},
      archive_(found_, may_lose_power_) {
  add_disk("");
  if (has_fallback(seed)) {
    add_disk("second/");
  }
  const std::uint64_t output_count = chance_.chance(300) ? 2 : 1;
  std::uint32_t interfaces = 0;
  for (std::uint64_t i = 0; i < output_count; ++i) {
    const auto count = static_cast<std::uint32_t>(chance_.between(1, 3));
    outputs_.push_back(std::make_unique<simulated_output>(
        shared_world{disks_, archive_, found_, now_, process_end_, keeps_rings_},
        draw_options(i == 0 ? "a" : "b"), chance_.split(), interfaces, count));
    interfaces += count;
  }
}

void simulation::add_disk(const std::string& label) {
  const disk_traits traits = draw_traits(chance_);
  disks_.push_back(
      std::make_unique<simulated_disk>(label, chance_.split(), traits, process_end_, found_,
                                       watch_disk(static_cast<std::uint32_t>(disks_.size()))));
  disks_.back()->set_time(now_.wall);
  static constexpr std::byte foreign[] = {std::byte{'f'}, std::byte{'o'}, std::byte{'e'}};
  disks_.back()->put("other-000001.pcapng", foreign);
}

pipeline::output_options simulation::draw_options(const std::string& name) {
  pipeline::output_options options;
  options.files.name = name;
  options.files.directory = "/folder";
  options.files.fallback = disks_.size() > 1 ? "/second" : "";
  options.files.file_name = "{output}-{sequence}";
  static constexpr pipeline::encoding encodings[] = {
      pipeline::encoding::automatic, pipeline::encoding::compact, pipeline::encoding::in_place};
  options.encoding = chance_.pick(encodings);
  options.files.preallocate = chance_.chance(500);
  draw_limits(options);
  return options;
}

/// What a reload may change.
void simulation::draw_limits(pipeline::output_options& options) {
  const auto sometimes = [this](std::uint64_t first, std::uint64_t last) {
    return chance_.chance(500) ? chance_.between(first, last) : 0;
  };
  storage::rotation_options& rotate = options.files.rotate;
  rotate.size_bytes = sometimes(4 << 10, 64 << 10);
  rotate.interval = std::chrono::seconds(sometimes(1, 20));
  rotate.packets = sometimes(1, 60);
  rotate.skip_empty = chance_.chance(300);
  storage::retain_options& retain = options.files.retain;
  retain = {.size_bytes = sometimes(16 << 10, 256 << 10), .free_percent = 0};
  retain.files = chance_.chance(250) ? chance_.between(1, 8) : 0;
  retain.age = std::chrono::seconds(chance_.chance(150) ? chance_.between(5, 60) : 0);
  retain.free_bytes = chance_.chance(150) ? chance_.between(1, 64) << 10 : 0;
  storage::sync_options& sync = options.files.sync;
  sync = {};
  if (chance_.chance(400)) {
    sync = {storage::sync_policy::interval, std::chrono::milliseconds(chance_.between(50, 3000))};
  } else if (!may_lose_power_ && chance_.chance(500)) {
    sync.policy = storage::sync_policy::none;
  }
  options.statistics_interval = std::chrono::milliseconds(chance_.between(200, 10000));
  options.flush_interval = std::chrono::milliseconds(chance_.between(10, 1000));
}

disk_events simulation::watch_disk(std::uint32_t which) {
  disk_events events;
  events.named = [this, which](const std::string& plain, std::span<const std::byte> octets,
                               bool forced) {
    const std::string name = disks_[which]->label() + plain;
    archive_.on_named(name, octets, forced);
    note([&] {
      return "      " + name + " is there, " + std::to_string(octets.size()) + " octets, " +
             std::to_string(archive_.files().at(name).frames.size()) + " packets";
    });
  };
  events.removed = [this, which](const std::string& plain) {
    const std::string name = disks_[which]->label() + plain;
    if (plain.starts_with('.')) {
      return;  // made ready and not used
    }
    simulated_output* const owner = output_of(plain);
    if (owner == nullptr || !archive_.files().contains(name)) {
      found_.add("removed, and not a finished file of ours: " + name);
      return;
    }
    if (!disks_[which]->octets(plain + ".pin").empty()) {
      found_.add("removed, and pinned: " + name);
    }
    found_.check(!archive_.files().at(name).is_removed, [&] { return "removed twice: " + name; });
    archive_.on_removed(name);
    note([&] { return "      " + name + " is removed"; });
  };
  return events;
}

simulated_output* simulation::output_of(const std::string& file) {
  for (const auto& one : outputs_) {
    if (file.starts_with(one->options().files.name + "-")) {
      return one.get();
    }
  }
  return nullptr;
}

simulated_disk& simulation::any_disk() {
  return disks_.size() == 1 ? *disks_.front() : *disks_[chance_.below(disks_.size())];
}

simulated_output& simulation::any_output() {
  return *outputs_[chance_.below(outputs_.size())];
}

bool simulation::run() {
  const std::uint64_t count = chance_.between(20, 120);
  for (std::uint64_t i = 0; i < count && !found_.any(); ++i) {
    step();
  }
  if (!found_.any()) {
    finish();
  }
  return !found_.any();
}

void simulation::step() {
  if (!is_up_) {
    start();
  }
  const std::vector<act>& possible = disks_.size() == 1 ? acts() : acts_with_fallback();
  std::uint64_t total = 0;
  for (const act& one : possible) {
    total += one.weight;
  }
  std::uint64_t drawn = chance_.below(total);
  for (const act& one : possible) {
    if (drawn < one.weight) {
      (this->*one.run)();
      break;
    }
    drawn -= one.weight;
  }
  check();
}

void simulation::check() {
  if (process_end_.has_come) {
    end_process();
  }
  for (const auto& one : outputs_) {
    if (is_up_) {
      one->check_ledger();
    }
  }
}

void simulation::start() {
  for (const auto& one : outputs_) {
    one->receive_alone();
  }
  ++processes_;
  for (const auto& disk : disks_) {
    disk->begin_process(now_.wall);
  }
  is_up_ = true;
  note([&] { return "process " + std::to_string(processes_) + " begins"; });
  const std::string number = std::to_string(1000 + processes_);
  for (const auto& one : outputs_) {
    one->begin_process("00000000-0000-4000-8000-00000000" + number);
  }
  open_outputs();
}

void simulation::open_outputs() {
  for (const auto& one : outputs_) {
    if (one->is_open() || process_end_.has_come) {
      continue;
    }
    if (!one->open()) {
      note([&] { return "      output " + one->options().files.name + " cannot be opened"; });
      continue;
    }
    add_interfaces(*one);
  }
}

void simulation::add_interfaces(simulated_output& to) {
  for (std::uint32_t i = 0; i < to.interface_count(); ++i) {
    if (to.state(i) == line_state::absent && (chance_.chance(850) || to.has_left_ring(i))) {
      to.add(i);
    }
  }
}

/// The process is gone, by itself or not.
void simulation::end_process() {
  note([&] { return std::string("process ends") + (power_goes_ ? ", and power with it" : ""); });
  std::vector<traffic*> interfaces;
  for (const auto& one : outputs_) {
    for (std::uint32_t i = 0; i < one->interface_count(); ++i) {
      interfaces.push_back(&one->sent(i));
    }
  }
  if (power_goes_) {
    archive::forget_published(interfaces);
  }
  for (const auto& disk : disks_) {
    archive_.mark_published(*disk, power_goes_, interfaces);
  }
  for (const auto& one : outputs_) {
    one->end_process(power_goes_);
  }
  for (const auto& disk : disks_) {
    // A single disk keeps all names up to one, or none behind it.
    const bool may_miss_names = disks_.size() > 1;
    if (may_miss_names) {
      archive_.excuse_unnamed(*disk);
    }
    if (power_goes_) {
      const auto names = may_miss_names ? disk->names() : std::vector<std::string>();
      disk->lose_power();
      archive_.on_power_lost(*disk, names);
    }
  }
  is_up_ = false;
  power_goes_ = false;
  for (const auto& disk : disks_) {
    for (const std::string& name : disk->names()) {
      note([&] {
        return "      left: " + disk->label() + name + ", " +
               std::to_string(disk->octets(name).size());
      });
    }
  }
}

void simulation::pump_all() {
  for (const auto& one : outputs_) {
    one->pump(pace_);
  }
}

/// Each output looks after its folders.
void simulation::look() {
  if (disks_.size() == 1 || now_.steady < look_at_) {
    return;
  }
  look_at_ = now_.steady + look_pause;
  for (const auto& one : outputs_) {
    one->look();
  }
}

void simulation::set_disk_times() {
  for (const auto& disk : disks_) {
    disk->set_time(now_.wall);
  }
}

/// Time passes; every strand wakes when it wanted to, and the disk works at its pace.
void simulation::advance(std::chrono::nanoseconds by) {
  const auto move_to = [this](base::steady_time then) {
    now_.wall += then - now_.steady;
    now_.steady = then;
    set_disk_times();
  };
  const base::steady_time end = now_.steady + by;
  for (int wakes = 0;; ++wakes) {
    base::steady_time next = end;
    for (const auto& one : outputs_) {
      next = std::min(next, one->wake_at());
    }
    if (disks_.size() > 1) {
      next = std::min(next, std::max(look_at_, now_.steady));
    }
    if (next >= end || wakes > wakes_max) {
      found_.check(wakes <= wakes_max, [] { return std::string("a strand spins"); });
      break;
    }
    move_to(std::max(next, now_.steady));
    for (const auto& one : outputs_) {
      if (one->wake_at() <= now_.steady) {
        one->step();
      }
    }
    look();
    pump_all();
  }
  move_to(end);
}

void simulation::stop_all(std::chrono::milliseconds timeout) {
  for (const auto& one : outputs_) {
    if (one->is_open() && !one->has_ended()) {
      one->stop(timeout, true);
    }
  }
  const base::steady_time end = now_.steady + timeout + 10ms;
  const auto running = [](const auto& one) { return one->is_open() && !one->has_ended(); };
  while (std::ranges::any_of(outputs_, running) && now_.steady < end && !process_end_.has_come) {
    advance(std::max<std::chrono::nanoseconds>(timeout / 20, 1ms));
    pump_all();
  }
  if (process_end_.has_come) {
    return;
  }
  found_.check(std::ranges::none_of(outputs_, running),
               [] { return std::string("a stop does not end by its deadline"); });
  for (const auto& one : outputs_) {
    one->check_ledger();
    if (one->has_ended()) {
      one->close();
    }
  }
}

}  // namespace captured::simulation
