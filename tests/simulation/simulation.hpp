// SPDX-License-Identifier: MIT
//
// One run: a recorder's life, and its next lives, made of random steps that all come from one seed.
// The same seed always gives the same run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "archive.hpp"
#include "breaches.hpp"
#include "random_source.hpp"
#include "simulated_disk.hpp"
#include "simulated_output.hpp"

namespace captured::simulation {

class simulation {
 public:
  enum class trace : bool { off, on };

  explicit simulation(std::uint64_t seed, trace how = trace::off);

  /// Runs to the end, or to the first step after which a promise is broken. True when all held.
  bool run();

  [[nodiscard]] const breaches& found() const noexcept { return found_; }
  /// What was done, when it was traced.
  [[nodiscard]] const std::vector<std::string>& steps() const noexcept { return steps_; }

 private:
  struct act {
    std::uint32_t weight;
    void (simulation::*run)();
  };
  static const std::vector<act>& acts();
  static const std::vector<act>& acts_with_fallback();

  template <class Words>
  void note(const Words& words) {
    if (traced_) {
      steps_.push_back(words());
    }
  }
  [[nodiscard]] pipeline::output_options draw_options(const std::string& name);
  void add_disk(const std::string& label);
  void draw_limits(pipeline::output_options& options);
  disk_events watch_disk(std::uint32_t which);
  simulated_disk& any_disk();
  simulated_output* output_of(const std::string& file);
  simulated_output& any_output();
  void step();
  void check();

  // --- The process ---
  void start();
  void open_outputs();
  void add_interfaces(simulated_output& to);
  void stop_all(std::chrono::milliseconds timeout);
  void end_process();
  void advance(std::chrono::nanoseconds by);
  void pump_all();
  void look();
  void set_disk_times();
  void finish();
  void check_content();
  void calm();

  // --- Acts ---
  void traffic_burst();
  void traffic_flood();
  void loose_drops();
  void fire_ring_timers();
  void short_while();
  void long_while();
  void clock_step();
  void disk_acts();
  void stall();
  void change_mood();
  void fill_disk();
  void rotate();
  void reload();
  void interface_comes();
  void interface_goes();
  void filter_changes();
  void pin();
  void status();
  void repair();
  void crash();
  void restart();
  void output_goes();
  void disk_breaks();
  void disk_goes();
  void disk_comes();
  void disk_is_swapped();

  bool traced_;
  std::vector<std::string> steps_;
  breaches found_;
  random_source chance_;
  bool keeps_rings_;
  bool may_lose_power_;
  base::moment now_;
  archive archive_;
  process_end process_end_;
  std::vector<std::unique_ptr<simulated_disk>> disks_;  ///< of the places
  base::steady_time look_at_{};
  std::vector<std::unique_ptr<simulated_output>> outputs_;
  std::uint64_t processes_ = 0;
  bool is_up_ = false;
  bool power_goes_ = false;  ///< with the process, when it ends
  std::uint32_t pace_ = 8;   ///< acts that the disk carries out at a wake-up
};

}  // namespace captured::simulation
