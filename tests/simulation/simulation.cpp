// SPDX-License-Identifier: MIT
//
// The frame of a run: set-up, processes and their ends, the way of time, the last judgement. What
// can happen on the way is in simulation_acts.cpp.
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

disk_traits draw_traits(random_source& chance) {
  return {.has_exclusive_rename = true,
          .preallocates = chance.chance(700),
          .sync_keeps_names = chance.chance(800)};
}

}  // namespace

simulation::simulation(std::uint64_t seed, trace how)
    : traced_(how == trace::on),
      chance_(seed),
      may_lose_power_(chance_.chance(700)),
      now_{base::wall_time(std::chrono::seconds(begin_seconds)),
           base::steady_time(std::chrono::seconds(1000))},
      archive_(found_, may_lose_power_),
      disk_(chance_.split(), draw_traits(chance_), found_, watch_disk()) {
  disk_.set_time(now_.wall);
  static constexpr std::byte foreign[] = {std::byte{'f'}, std::byte{'o'}, std::byte{'e'}};
  disk_.put("other-000001.pcapng", foreign);
  const std::uint64_t output_count = chance_.chance(300) ? 2 : 1;
  std::uint32_t interfaces = 0;
  for (std::uint64_t i = 0; i < output_count; ++i) {
    const auto count = static_cast<std::uint32_t>(chance_.between(1, 3));
    outputs_.push_back(std::make_unique<simulated_output>(
        shared_world{disk_, archive_, found_, now_}, draw_options(i == 0 ? "a" : "b"),
        chance_.split(), interfaces, count));
    interfaces += count;
  }
}

pipeline::output_options simulation::draw_options(const std::string& name) {
  pipeline::output_options options;
  options.files.name = name;
  options.files.directory = "/folder";
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

disk_events simulation::watch_disk() {
  disk_events events;
  events.named = [this](const std::string& name, std::span<const std::byte> octets, bool forced) {
    archive_.on_named(name, octets, forced);
    note([&] {
      return "      " + name + " is there, " + std::to_string(octets.size()) + " octets, " +
             std::to_string(archive_.files().at(name).frames.size()) + " packets";
    });
  };
  events.removed = [this](const std::string& name) {
    if (name.starts_with('.')) {
      return;  // made ready and not used
    }
    simulated_output* const owner = output_of(name);
    if (owner == nullptr || !archive_.files().contains(name)) {
      found_.add("removed, and not a finished file of ours: " + name);
      return;
    }
    if (!disk_.octets(name + ".pin").empty()) {
      found_.add("removed, and pinned: " + name);
    }
    owner->check_removal(name);
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
  std::uint64_t total = 0;
  for (const act& one : acts()) {
    total += one.weight;
  }
  std::uint64_t drawn = chance_.below(total);
  for (const act& one : acts()) {
    if (drawn < one.weight) {
      (this->*one.run)();
      break;
    }
    drawn -= one.weight;
  }
  check();
}

void simulation::check() {
  if (disk_.is_process_ended()) {
    end_process();
  }
  for (const auto& one : outputs_) {
    if (is_up_) {
      one->check_ledger();
    }
  }
}

void simulation::start() {
  ++processes_;
  disk_.begin_process(now_.wall);
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
    if (one->is_open() || disk_.is_process_ended()) {
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
    if (to.state(i) == line_state::absent && chance_.chance(850)) {
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
  archive_.mark_published(disk_, power_goes_, interfaces);
  for (const auto& one : outputs_) {
    one->end_process(power_goes_);
  }
  if (power_goes_) {
    disk_.lose_power();
    archive_.on_power_lost(disk_);
  }
  is_up_ = false;
  power_goes_ = false;
  for (const std::string& name : disk_.names()) {
    note([&] { return "      left: " + name + ", " + std::to_string(disk_.octets(name).size()); });
  }
}

void simulation::pump_all() {
  for (const auto& one : outputs_) {
    one->pump(pace_);
  }
}

/// Time passes; every strand wakes when it wanted to, and the disk works at its pace.
void simulation::advance(std::chrono::nanoseconds by) {
  const auto move_to = [this](base::steady_time then) {
    now_.wall += then - now_.steady;
    now_.steady = then;
    disk_.set_time(now_.wall);
  };
  const base::steady_time end = now_.steady + by;
  for (int wakes = 0;; ++wakes) {
    base::steady_time next = end;
    for (const auto& one : outputs_) {
      next = std::min(next, one->wake_at());
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
    pump_all();
  }
  move_to(end);
}

void simulation::stop_all(std::chrono::milliseconds timeout) {
  for (const auto& one : outputs_) {
    if (one->is_open() && !one->has_ended()) {
      one->stop(timeout);
    }
  }
  const base::steady_time end = now_.steady + timeout + 10ms;
  const auto running = [](const auto& one) { return one->is_open() && !one->has_ended(); };
  while (std::ranges::any_of(outputs_, running) && now_.steady < end && !disk_.is_process_ended()) {
    advance(std::max<std::chrono::nanoseconds>(timeout / 20, 1ms));
    pump_all();
  }
  if (disk_.is_process_ended()) {
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

void simulation::calm() {
  disk_.set_mood({});
  disk_.set_capacity(std::uint64_t{1} << 40);

  disk_.end_process_after(0);
  power_goes_ = false;

  for (const auto& one : outputs_) {
    one->set_stalled(false);
  }
  pace_ = 1000;
}

/// All is well again: the recorder must catch up, and what it leaves must be what was promised.
void simulation::finish() {
  note([] { return std::string("all faults are over"); });
  calm();
  if (!is_up_) {
    start();
  }
  for (const auto& one : outputs_) {
    if (one->is_open() && one->is_stopping()) {
      advance(1s);
      one->close();
    }
  }
  open_outputs();
  for (const auto& one : outputs_) {
    one->retire_all();
    pump_all();
  }
  advance(3s);
  for (const auto& one : outputs_) {
    one->retire_all();
  }
  advance(2s);
  if (found_.any()) {
    return;
  }
  for (const auto& one : outputs_) {
    one->check_caught_up();
  }
  stop_all(10s);
  end_process();
  note([] { return std::string("the next start finds all as it should be"); });
  start();
  for (const auto& one : outputs_) {
    while (one->repair_one()) {
    }
  }
  advance(70s);
  stop_all(10s);
  if (found_.any()) {
    return;
  }
  end_process();
  for (const auto& one : outputs_) {
    one->check_limits();
    one->check_packets();
  }
  archive_.check_folder(disk_);
}

}  // namespace captured::simulation
