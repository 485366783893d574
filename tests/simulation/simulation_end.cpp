// SPDX-License-Identifier: MIT
//
// The end of a run: all is well again, and what is left must be what was promised.
#include <algorithm>

#include "pipeline/limits.hpp"
#include "simulation.hpp"

namespace captured::simulation {

using namespace std::chrono_literals;

void simulation::calm() {
  for (const auto& disk : disks_) {
    disk->set_mood({});
    disk->set_capacity(std::uint64_t{1} << 40);
    if (!disk->is_mounted()) {
      disk->mount();
    }
  }
  process_end_.calls_left = 0;
  power_goes_ = false;

  for (const auto& one : outputs_) {
    one->release_all();
  }
  pace_ = 1000;
}

/// The first folder may have failed soon after each return: then it is trusted late.
void simulation::check_content() {
  const auto is_discontent = [](const auto& one) {
    return one->is_open() && (!one->is_content() || one->has_lost_files());
  };
  const base::steady_time end = now_.steady + pipeline::limits::longest_distrust + 20s;
  while (disks_.size() > 1 && now_.steady < end && std::ranges::any_of(outputs_, is_discontent)) {
    advance(5s);
  }
  for (const auto& one : outputs_) {
    found_.check(disks_.size() == 1 || !is_discontent(one), [&] {
      return "output " + one->options().files.name + " does not find back to its first folder";
    });
    found_.check(!one->is_open() || !one->has_lost_files(), [&] {
      return "output " + one->options().files.name + " does not let go of a folder that was gone";
    });
  }
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
  check_content();
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
  for (const auto& disk : disks_) {
    archive_.check_folder(*disk);
  }
  archive_.check_chains();
}

}  // namespace captured::simulation
