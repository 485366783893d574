// SPDX-License-Identifier: MIT
//
// One output of a simulated process with its interfaces: what recorded_output, writer and
// capture_reactor do with threads, clocks and sockets, done by hand. Rings are scripted, the disk
// is simulated, time is told.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "archive.hpp"
#include "breaches.hpp"
#include "pipeline/output_recorder.hpp"
#include "pipeline/part_repair.hpp"
#include "pumped_files.hpp"
#include "random_source.hpp"
#include "simulated_disk.hpp"
#include "simulated_place.hpp"
#include "support/scripted_source.hpp"
#include "traffic.hpp"

namespace captured::simulation {

/// What all outputs of a run share.
struct shared_world {
  const std::vector<std::unique_ptr<simulated_disk>>& disks;
  archive& files;
  breaches& found;
  base::moment& now;
  process_end& end;
  bool keeps_rings = false;  ///< they outlive the process, unless the power goes
};

enum class line_state : std::uint8_t { absent, recording, leaving };

class simulated_output {
 public:
  simulated_output(shared_world world, pipeline::output_options options, random_source chance,
                   std::uint32_t first_interface, std::uint32_t interface_count);

  // --- A process ---
  /// A process begins: figures start from zero.
  void begin_process(std::string recording);
  /// The process is gone; the disk has been told before. `power_is_lost` is only for the account.
  void end_process(bool power_is_lost);

  // --- The output in it ---
  /// Opens the folders and begins; false when no disk lets it.
  bool open();
  [[nodiscard]] bool is_open() const noexcept { return recorder_ != nullptr; }
  [[nodiscard]] bool is_stopping() const noexcept { return is_stopping_; }
  [[nodiscard]] bool has_ended() const noexcept {
    return recorder_ != nullptr && recorder_->outcome().ended;
  }
  /// The recorder is told to end; its feeds close, or are handed over to the next process.
  void stop(std::chrono::milliseconds timeout, bool leaves_rings = false);
  /// The output has ended and is let go; the process may open it again.
  void close();

  // --- Events ---
  void step();
  [[nodiscard]] base::steady_time wake_at() const noexcept { return wake_at_; }
  /// Lets the disks carry out up to so many acts, and tells the recorder of each.
  void pump(std::uint64_t acts_max);
  void set_stalled(std::uint32_t place, bool stalled) noexcept;
  [[nodiscard]] bool is_stalled(std::uint32_t place) const noexcept {
    return places_[place].is_stalled;
  }
  void rotate();
  void reconfigure(const pipeline::output_options& changed);
  [[nodiscard]] const pipeline::output_options& options() const noexcept { return options_; }
  void refresh_ledger();
  /// Repairs the next file that an earlier life left open; false when there is none.
  bool repair_one();

  // --- Its folders ---
  [[nodiscard]] std::uint32_t place_count() const noexcept {
    return static_cast<std::uint32_t>(places_.size());
  }
  [[nodiscard]] std::uint32_t current_place() const noexcept { return recorder_->place(); }
  /// Nothing is known to be wrong with any, and the first one is recorded to.
  [[nodiscard]] bool is_content() const;
  /// The recorder still has files in a folder that was gone: they are not repaired before.
  [[nodiscard]] bool has_lost_files() const {
    return std::ranges::any_of(places_, &simulated_place::has_lost_files);
  }
  /// What was opened by mounts of this disk that are gone fares so from now on.
  void on_disk_gone(const simulated_disk& disk, disk_fate fate);
  /// What hung for good is answered after all.
  void release_all() noexcept;
  /// Looks where the paths lead, opens what can be opened, and tests what is to be tested: what a
  /// thread of each place does all the time.
  void look();

  // --- Its interfaces ---
  [[nodiscard]] std::uint32_t interface_count() const noexcept {
    return static_cast<std::uint32_t>(lines_.size());
  }
  [[nodiscard]] line_state state(std::uint32_t interface) const { return lines_[interface].state; }
  /// An earlier process has left its ring.
  [[nodiscard]] bool has_left_ring(std::uint32_t interface) const {
    return static_cast<bool>(lines_[interface].journal);
  }
  void add(std::uint32_t interface);
  void produce(std::uint32_t interface, std::size_t frame_bytes);
  /// Packets come into kept rings while there is no process.
  void receive_alone();
  void lose(std::uint32_t interface, std::uint32_t packets);
  void retire(std::uint32_t interface);
  void retire_all();
  void remove(std::uint32_t interface);
  /// The device is gone, or its ring has been drained: no packet comes any more.
  void close_feed(std::uint32_t interface);
  void change(std::uint32_t interface);
  void note(std::uint32_t interface);
  [[nodiscard]] traffic& sent(std::uint32_t interface) { return lines_[interface].sent; }

  // --- Judging ---
  /// The promises that hold at any moment.
  void check_ledger();
  /// All that arrived is stored.
  void check_caught_up();
  /// At the very end.
  void check_packets();
  /// The limits of retention hold, and were the reason for what is asked to be removed.
  void check_removal(std::uint32_t place, const std::string& name);
  [[nodiscard]] bool is_among(std::set<std::string> simulated_place::*names,
                              const std::string& name) const;
  void check_limits();

 private:
  struct line {
    traffic sent;
    line_state state = line_state::absent;
    bool is_released = false;
    std::unique_ptr<test::scripted_source> ring;
    std::shared_ptr<test::scripted_kernel> kernel;  ///< of a ring that is kept
    base::unique_fd journal;                        ///< its
    bool was_taken = false;                         ///< by this process
    bool is_to_be_left = false;                     ///< at the end of the output
    std::uint32_t excused_to = 0;                   ///< packets before it may be lost
    std::uint32_t ring_begin = 0;                   ///< first number of the ring that is kept
    std::uint64_t drops_let_go = 0;                 ///< of rings let go by this process
    std::uint64_t drops_excused = 0;                ///< those that no file may tell of
    std::unique_ptr<pipeline::ring_feed> feed;
    std::unique_ptr<pipeline::interface_ledger> ledger;
    std::vector<account> accounts;  ///< of processes that are over
    account current;
  };

  struct to_repair {
    std::uint32_t place;
    std::string name;
    std::shared_ptr<const storage::output_directory> folder;
  };
  /// What was found in a folder.
  struct opened_place {
    std::shared_ptr<const storage::output_directory> folder;
    pipeline::series_start start;
    std::vector<std::string> parts;
    std::vector<std::string> still_open;
    std::vector<storage::kept_file> kept;
    std::vector<std::string> unknown;
  };
  [[nodiscard]] std::optional<opened_place> open_place(std::uint32_t place);
  void attach(std::uint32_t place, opened_place opened);
  void lose(std::uint32_t place);
  void on_left(std::uint32_t place);
  void look_at(std::uint32_t place);
  void drop_lives();
  [[nodiscard]] pumped_files* next_at_work();
  [[nodiscard]] std::uint64_t times_full() const;
  [[nodiscard]] pipeline::recorder_surroundings surroundings();
  [[nodiscard]] pipeline::output_interface describe(std::uint32_t interface);
  [[nodiscard]] std::uint64_t dropped_of(const line& one) const;
  [[nodiscard]] std::span<const std::byte> octets_of(const std::string& name) const;
  // Rings that are kept: simulated_rings.cpp.
  void open_kept_ring(line& one);
  [[nodiscard]] bool look_for_left_off(const storage::output_directory& folder,
                                       opened_place& opened);
  [[nodiscard]] std::vector<std::string> recordings_left() const;
  void let_go_of_ring(line& one);
  void end_kept_ring(line& one);
  void check_kept(const line& one);
  void check_settled(line& one);
  void after();

  shared_world world_;
  pipeline::output_options options_;
  random_source chance_;
  std::uint32_t first_interface_;
  std::vector<line> lines_;
  test::scripted_options ring_;
  pipeline::placement where_ = pipeline::placement::packed;
  std::string recording_;
  std::optional<pipeline::series_start> former_;
  bool gave_up_ = false;      ///< in this process
  bool is_unproven_ = false;  ///< the device has refused octets, in this process
  bool is_stopping_ = false;
  std::vector<simulated_place> places_;
  std::array<bool, storage::places_max> has_left_{};
  std::optional<storage::own_files> own_;
  std::map<std::string, format::recording_totals> left_off_;  ///< by recording
  std::map<std::string, pipeline::recording_end> ends_;       ///< of parts that were read
  std::vector<to_repair> to_repair_;
  std::unique_ptr<pipeline::output_recorder> recorder_;
  base::steady_time wake_at_ = base::steady_time::max();
  std::uint64_t times_full_at_open_ = 0;
};

}  // namespace captured::simulation
