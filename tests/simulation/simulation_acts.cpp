// SPDX-License-Identifier: MIT
//
// What can happen in a run. Each act draws all it needs from the run's source of chance.
#include <algorithm>
#include <utility>

#include "simulation.hpp"

namespace captured::simulation {

namespace {

using namespace std::chrono_literals;

std::string name_of(const simulated_output& one) {
  return "output " + one.options().files.name;
}

std::string milliseconds(std::chrono::nanoseconds time) {
  return std::to_string(time / 1ms) + " ms";
}

std::string words_for(const simulated_disk& disk) {
  return disk.label().empty() ? "the disk" : "the second disk";
}

bool takes_packets(const simulated_output& one) {
  return one.is_open() && !one.is_stopping();
}

}  // namespace

const std::vector<simulation::act>& simulation::acts() {
  static const std::vector<act> all{
      {24, &simulation::traffic_burst},
      {5, &simulation::traffic_flood},
      {1, &simulation::loose_drops},
      {8, &simulation::fire_ring_timers},
      {14, &simulation::short_while},
      {6, &simulation::long_while},
      {1, &simulation::clock_step},
      {16, &simulation::disk_acts},
      {4, &simulation::stall},
      {4, &simulation::change_mood},
      {3, &simulation::fill_disk},
      {4, &simulation::rotate},
      {2, &simulation::reload},
      {3, &simulation::interface_comes},
      {2, &simulation::interface_goes},
      {2, &simulation::filter_changes},
      {1, &simulation::pin},
      {2, &simulation::status},
      {3, &simulation::repair},
      {2, &simulation::crash},
      {1, &simulation::restart},
      {1, &simulation::output_goes},
  };
  return all;
}

const std::vector<simulation::act>& simulation::acts_with_fallback() {
  static const std::vector<act> all = [] {
    std::vector<act> more = acts();
    more.push_back({3, &simulation::disk_breaks});
    more.push_back({3, &simulation::disk_goes});
    more.push_back({4, &simulation::disk_comes});
    more.push_back({2, &simulation::disk_is_swapped});
    return more;
  }();
  return all;
}

void simulation::traffic_burst() {
  simulated_output& to = any_output();
  const auto interface = static_cast<std::uint32_t>(chance_.below(to.interface_count()));
  const std::uint64_t count = chance_.between(1, 12);
  if (!takes_packets(to) || to.state(interface) != line_state::recording) {
    return;
  }
  note([&] {
    return std::to_string(count) + " packets on " + to.sent(interface).name + " from number " +
           std::to_string(to.sent(interface).packets.size()) + " on";
  });
  for (std::uint64_t i = 0; i < count; ++i) {
    to.produce(interface,
               chance_.chance(800) ? chance_.between(60, 200) : chance_.between(200, 1500));
  }
  if (chance_.chance(300)) {
    to.retire(interface);
  }
}

/// More than the ring holds while nobody looks.
void simulation::traffic_flood() {
  simulated_output& to = any_output();
  const auto interface = static_cast<std::uint32_t>(chance_.below(to.interface_count()));
  const std::uint64_t count = chance_.between(10, 80);
  if (!takes_packets(to) || to.state(interface) != line_state::recording) {
    return;
  }
  note([&] {
    return std::to_string(count) + " packets at once on " + to.sent(interface).name +
           " from number " + std::to_string(to.sent(interface).packets.size()) + " on";
  });
  for (std::uint64_t i = 0; i < count; ++i) {
    to.produce(interface, chance_.between(60, 400));
  }
  to.retire(interface);
}

void simulation::loose_drops() {
  simulated_output& to = any_output();
  const auto interface = static_cast<std::uint32_t>(chance_.below(to.interface_count()));
  if (takes_packets(to) && to.state(interface) == line_state::recording) {
    note([&] { return "drops without a full ring on " + to.sent(interface).name; });
    to.lose(interface, static_cast<std::uint32_t>(chance_.between(1, 5)));
  }
}

void simulation::fire_ring_timers() {
  note([] { return std::string("ring timers fire"); });
  for (const auto& one : outputs_) {
    one->retire_all();
  }
}

void simulation::short_while() {
  const std::chrono::nanoseconds by = std::chrono::microseconds(chance_.between(10, 200'000));
  note([&] { return milliseconds(by) + " pass"; });
  advance(by);
}

void simulation::long_while() {
  const std::chrono::nanoseconds by = std::chrono::milliseconds(chance_.between(200, 12'000));
  note([&] { return milliseconds(by) + " pass"; });
  for (const auto& one : outputs_) {
    one->retire_all();
  }
  advance(by);
}

void simulation::clock_step() {
  const auto by = std::chrono::seconds(chance_.below(7200)) - 3600s;
  note([&] { return "the wall clock steps by " + std::to_string(by / 1s) + " s"; });
  now_.wall += by;
  set_disk_times();
}

void simulation::disk_acts() {
  simulated_output& one = any_output();
  const std::uint64_t acts = chance_.between(1, 20);
  note([&] { return "the disk does up to " + std::to_string(acts) + " acts of " + name_of(one); });
  one.pump(acts);
}

void simulation::stall() {
  simulated_output& one = any_output();
  const auto place =
      static_cast<std::uint32_t>(one.place_count() == 1 ? 0 : chance_.below(one.place_count()));
  one.set_stalled(place, !one.is_stalled(place));
  note([&] {
    return words_for(*disks_[place]) + (one.is_stalled(place) ? " stalls" : " goes on") + " for " +
           name_of(one);
  });
  pace_ = chance_.chance(300) ? 0 : static_cast<std::uint32_t>(chance_.between(1, 30));
}

void simulation::change_mood() {
  disk_mood mood;
  if (chance_.chance(600)) {
    const auto sometimes = [this] {
      return chance_.chance(300) ? static_cast<std::uint32_t>(chance_.between(10, 600)) : 0;
    };
    mood = {.short_write = sometimes(),
            .failed_write = sometimes(),
            .failed_sync = sometimes(),
            .failed_name = sometimes(),
            .failed_look = sometimes(),
            .interrupted = sometimes()};
  }
  simulated_disk& disk = any_disk();
  note([&] {
    return "of a thousand calls on " + words_for(disk) + " fail: writes " +
           std::to_string(mood.failed_write) + " (short " + std::to_string(mood.short_write) +
           "), syncs " + std::to_string(mood.failed_sync) + ", names " +
           std::to_string(mood.failed_name) + ", looks " + std::to_string(mood.failed_look) +
           ", interrupted " + std::to_string(mood.interrupted);
  });
  if (keeps_rings_) {
    mood.failed_look = 0;  // who cannot read his last file does not know where he left off
  }
  disk.set_mood(mood);
}

void simulation::fill_disk() {
  simulated_disk& disk = any_disk();
  const std::uint64_t used = disk.used_bytes();
  const std::uint64_t capacity =
      chance_.chance(500) ? used + chance_.below(64 << 10) : std::uint64_t{1} << 40;
  note([&] {
    return capacity == std::uint64_t{1} << 40
               ? words_for(disk) + " has room"
               : words_for(disk) + " has room for " + std::to_string(capacity - used) +
                     " octets more";
  });
  disk.set_capacity(capacity);
}

void simulation::rotate() {
  const std::uint64_t times = chance_.chance(200) ? chance_.between(2, 8) : 1;
  note([&] { return "rotate, " + std::to_string(times) + " times"; });
  for (std::uint64_t i = 0; i < times; ++i) {
    for (const auto& one : outputs_) {
      if (takes_packets(*one)) {
        one->rotate();
        one->pump(chance_.below(6));
      }
    }
  }
}

void simulation::reload() {
  simulated_output& one = any_output();
  pipeline::output_options changed = one.options();
  draw_limits(changed);
  if (!one.is_stopping()) {
    note([&] { return "reload: other limits for " + name_of(one); });
    one.reconfigure(changed);
  }
}

void simulation::interface_comes() {
  simulated_output& to = any_output();
  if (takes_packets(to)) {
    note([&] { return "interfaces of " + name_of(to) + " come"; });
    add_interfaces(to);
  }
  open_outputs();
}

void simulation::interface_goes() {
  simulated_output& from = any_output();
  const auto interface = static_cast<std::uint32_t>(chance_.below(from.interface_count()));
  if (!takes_packets(from) || from.state(interface) == line_state::absent) {
    return;
  }
  note([&] { return from.sent(interface).name + " goes"; });
  if (from.state(interface) == line_state::recording) {
    from.remove(interface);
  }
  if (chance_.chance(700) && from.state(interface) == line_state::leaving) {
    from.close_feed(interface);
  }
}

void simulation::filter_changes() {
  simulated_output& of = any_output();
  const auto interface = static_cast<std::uint32_t>(chance_.below(of.interface_count()));
  if (takes_packets(of) && of.state(interface) == line_state::recording) {
    note([&] { return "another filter, and a note, for " + of.sent(interface).name; });
    of.change(interface);
    of.note(interface);
  }
}

void simulation::pin() {
  simulated_disk& disk = any_disk();
  const auto names = disk.names();
  const std::string& name = names[chance_.below(names.size())];
  if (name.ends_with(".pin")) {
    note([&] { return "no longer pinned: " + name; });
    disk.drop(name);
  } else if (name.ends_with(".pcapng")) {
    note([&] { return "pinned: " + name; });
    disk.put(name + ".pin", std::as_bytes(std::span("pin")));
  }
}

void simulation::status() {
  for (const auto& one : outputs_) {
    one->refresh_ledger();
  }
}

void simulation::repair() {
  for (const auto& one : outputs_) {
    if (one->repair_one()) {
      note([&] { return "a file of an earlier life of " + name_of(*one) + " is repaired"; });
    }
  }
}

void simulation::crash() {
  power_goes_ = may_lose_power_ && chance_.chance(600);
  const std::uint64_t calls = chance_.chance(200) ? 0 : chance_.between(1, 40);
  note([&] {
    return "the process is going to end " +
           (calls == 0 ? std::string("now") : "after " + std::to_string(calls) + " calls");
  });
  if (calls == 0) {
    process_end_.has_come = true;
  } else {
    process_end_.calls_left = calls;
  }
}

void simulation::restart() {
  const auto timeout = std::chrono::milliseconds(chance_.pick({1, 100, 3000, 10000}));
  note([&] { return "stop, within " + milliseconds(timeout); });
  stop_all(timeout);
  if (!process_end_.has_come && !found_.any()) {
    end_process();
  }
}

void simulation::output_goes() {
  simulated_output& one = any_output();
  if (!one.is_open() || one.is_stopping()) {
    return;
  }
  note([&] { return "reload: " + name_of(one) + " goes, and is to come back"; });
  const auto timeout = std::chrono::milliseconds(chance_.between(1, 2000));
  one.stop(timeout);
  advance(timeout + 10ms);
  if (!process_end_.has_come) {
    found_.check(one.has_ended(),
                 [] { return std::string("an output does not end by its deadline"); });
    one.check_ledger();
    one.close();
  }
}

/// Nothing works there any more, until its mood changes.
void simulation::disk_breaks() {
  simulated_disk& disk = any_disk();
  note([&] { return "every call fails on " + words_for(disk); });
  disk.set_mood({.failed_write = 1000, .failed_sync = 1000, .failed_name = 1000});
}

/// Its path leads there no more.
void simulation::disk_goes() {
  simulated_disk& disk = any_disk();
  static constexpr disk_fate fates[] = {disk_fate::stays, disk_fate::fails, disk_fate::hangs};
  const disk_fate fate = chance_.pick(fates);
  if (!disk.is_mounted()) {
    return;
  }
  note([&] {
    return words_for(disk) + " goes, and what is open there " +
           (fate == disk_fate::stays   ? "can be closed"
            : fate == disk_fate::fails ? "fails"
                                       : "hangs");
  });
  disk.unmount();
  for (const auto& one : outputs_) {
    one->on_disk_gone(disk, fate);
  }
}

void simulation::disk_comes() {
  for (const auto& disk : disks_) {
    if (!disk->is_mounted() && chance_.chance(700)) {
      note([&] { return words_for(*disk) + " comes back"; });
      disk->mount();
    }
  }
}

void simulation::disk_is_swapped() {
  disk_goes();
  disk_comes();
}

}  // namespace captured::simulation
