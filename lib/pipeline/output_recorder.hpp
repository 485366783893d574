// SPDX-License-Identifier: MIT
//
// One output: takes the blocks of its interfaces, encodes them, fills files, rotates them, and
// keeps the ledger. It knows no thread, clock, socket or Asio: whoever drives it passes events and
// the time, so that the same code runs on a strand and in a simulation. Which act comes next is
// decided by flow.hpp; how files come and go is the work of open_files.hpp, how octets get into
// them that of file_stream.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "pipeline/block_encoder.hpp"
#include "pipeline/chunk.hpp"
#include "pipeline/file_keeper.hpp"
#include "pipeline/file_stream.hpp"
#include "pipeline/file_text.hpp"
#include "pipeline/flow.hpp"
#include "pipeline/limits.hpp"
#include "pipeline/options.hpp"
#include "pipeline/place_choice.hpp"
#include "pipeline/port_set.hpp"
#include "pipeline/record_form.hpp"
#include "storage/file_name.hpp"
#include "storage/file_router.hpp"
#include "storage/rotation.hpp"

namespace captured::pipeline {

/// A folder that was opened for an output.
struct output_folder {
  std::shared_ptr<storage::file_operations> files;  ///< shared with files that are open there
  std::string directory;
  std::vector<storage::kept_file> kept = {};  ///< finished files that it holds; in no order
  std::uint64_t next_sequence = 0;            ///< files in it have had lower ones
};

/// What the owner is told of the folders, on the driver's thread; each may be empty.
struct place_events {
  /// Files are made there from now on; `why` says what is wrong with the other one, if anything is.
  std::function<void(std::uint32_t place, const std::string& why)> moved;
  /// A place that is not made use of should be tested (`set_works`), or not any more.
  std::function<void(std::uint32_t place, bool wanted)> test;
  /// All files are closed that were open in a folder that the place has no more.
  std::function<void(std::uint32_t place)> left;
  /// One of them was left for repair, under this name, after the device had refused some of it.
  std::function<void(std::uint32_t place, const std::string& part)> left_refused;
};

/// What the recorder needs from outside.
struct recorder_surroundings {
  /// Of the first place; must outlive the recorder. None: it comes by `attach`.
  storage::file_operations* files = nullptr;
  placement where = placement::packed;  ///< `paged` for files that are written directly
  device_count_reader device_counts;
  /// An interface that was removed has all its packets and its last statistics in the file: its
  /// feed and ring are not used any more. On the driver's thread.
  std::function<void(const std::string& interface)> released;
  /// For the log, on the driver's thread: the disk could not be given memory for good, which makes
  /// writes from it dearer. Said once.
  std::function<void(const base::error_code& why)> memory_refused;
  /// For the log, on the driver's thread. `written` is the recorder's own and stays empty.
  open_files_events events;
  file_keeper_events keeping;
  place_events places = {};
  /// Finished files of this output that are there already; in no order.
  std::vector<storage::kept_file> earlier = {};
  /// Memory of each chunk; smaller ones are for tests.
  std::size_t chunk_bytes = limits::chunk_bytes;
};

/// How an output ended.
struct recorder_outcome {
  bool ended = false;
  bool gave_up = false;   ///< the stop's time was over before the disk had taken everything
  bool unproven = false;  ///< the device refused octets of a file, which was set aside
  series_start next;      ///< where another recorder of this output would go on
};

/// All members on one thread at a time.
class output_recorder {
 public:
  /// Takes the memory for the chunks. Fails with ENOMEM or on a bad file name. No file is begun
  /// before there is an interface.
  static base::result<std::unique_ptr<output_recorder>> make(const output_options& options,
                                                             series_start start,
                                                             recorder_surroundings surroundings,
                                                             base::moment now);

  /// Blocks of kept rings that it still holds do not go back.
  ~output_recorder();
  output_recorder(const output_recorder&) = delete;
  output_recorder& operator=(const output_recorder&) = delete;

  /// A further interface; its description stands in the file before its first packet. One that
  /// was removed and released may come back by its name, with its ledger: its figures go on.
  /// Fails when the descriptions get too long for a file's head.
  base::result<> add(output_interface what);
  /// From a packet on the interface is described otherwise. All but `add` are ignored for an
  /// interface that is not there.
  void change(const std::string& interface, description_change to);
  /// A comment in its next statistics, which are due at once.
  void note(const std::string& interface, std::string text);
  /// Its feed is being closed: once it is drained the file says `why`, and `released` is called.
  void remove(const std::string& interface, std::string why);
  /// Other limits, intervals and sync policy, from the current file on. Directory, names and
  /// encoding stay as they are.
  void reconfigure(const output_options& changed, base::moment now);

  /// A place has a folder now, in which a file may be begun. The one before, if there was one, must
  /// have been lost.
  void attach(std::uint32_t place, output_folder folder, base::moment now);
  /// Its path does not lead to the folder any more: what is open there is closed if that can be
  /// done, and no file is begun there.
  void lose(std::uint32_t place, const base::failure& why, base::moment now);
  /// A test of the place went well, or did not.
  void set_works(std::uint32_t place, bool works) noexcept { tested_well_[place] = works; }
  /// Where files are made.
  [[nodiscard]] std::uint32_t place() const noexcept { return stream_.files().place(); }
  /// What is wrong with a place; empty when nothing is known to be.
  [[nodiscard]] std::string trouble_of(std::uint32_t place, base::steady_time now) const;

  /// Blocks were queued, time has passed, or a command was given: does all there is to do.
  void run(base::moment now);
  void on_completion(const storage::file_completion& done, base::moment now);
  /// The current file ends as soon as the next one is ready. Commands given meanwhile are one.
  void rotate() noexcept { rotation_asked_ = true; }
  /// The rings are being closed: end when they are drained and written, at `deadline` at the
  /// latest.
  void stop(base::steady_time deadline) noexcept { deadline_ = deadline; }
  /// Reads the counters of kernel and devices into the ledger.
  void refresh_ledger();

  /// When `run` wants to be called without an event, at the latest.
  [[nodiscard]] base::steady_time wake_at(base::moment now) const noexcept;
  [[nodiscard]] recorder_outcome outcome() const noexcept { return outcome_; }
  /// After `run`: what is to be recorded, or the end, waits for an act of the disk.
  [[nodiscard]] bool waits_for_disk() const noexcept;
  [[nodiscard]] bool in_trouble() const noexcept { return stream_.files().in_trouble(); }
  /// Final name of the current file; empty when none is open.
  [[nodiscard]] std::string current_name() const;
  /// A file of an earlier life was repaired: it counts as kept from now on.
  void keep(storage::kept_file file) { keeper_.add(std::move(file)); }
  /// What is kept of the finished files.
  [[nodiscard]] kept_figures kept() const { return keeper_.figures(stream_.files(), place()); }
  /// Something was done since the last call, nothing was to be done, or the disk is waited for.
  [[nodiscard]] bool made_progress();

 private:
  output_recorder(const output_options& options, series_start start, storage::file_name name,
                  recorder_surroundings surroundings, chunk_pool pool, base::moment now);

  open_files_events watched(open_files_events events);
  void add_memory(std::span<std::byte> memory);
  void tell_refused(const base::error_code& memory);
  [[nodiscard]] base::result<> check_fit(const port_description& description) const;
  [[nodiscard]] output_state observe(base::moment now) const;
  [[nodiscard]] bool rotation_due(base::moment now) const;
  [[nodiscard]] std::uint64_t upcoming_bytes() const;
  [[nodiscard]] std::optional<std::size_t> port_in_work() const;
  [[nodiscard]] std::uint64_t packets_allowed();
  void perform(output_action action, base::moment now);
  void create_next();
  void begin_file(base::moment now);
  void say(base::moment now);
  void encode_block(base::moment now);
  [[nodiscard]] encode_progress encode(port& from, std::uint64_t packets_max);
  void take_block();
  bool encode_in_place();
  void on_written(const chunk& piece);
  void count_back(const chunk& piece);
  void write_statistics(base::moment now);
  void describe(base::moment now);
  void end_file(base::moment now);
  void refresh_in_time(base::moment now);
  void give_up();
  void note_end();
  void count_unwritten();
  void let_go(chunk& piece);
  void choose_place(base::moment now);
  void tell_of_places();
  [[nodiscard]] place_view view_of(std::uint32_t place, base::steady_time now) const;
  void on_given_up(const std::vector<chunk*>& pieces);
  void go_on_behind_current();
  void number_next(std::uint64_t sequence);
  void abandon_file();

  output_options options_;
  series_start series_;
  storage::file_name name_;
  file_identity identity_ = describe_host();
  std::optional<record_form> records_;  ///< of files that are not made of blocks
  std::function<void(const std::string&)> released_;
  std::function<void(const base::error_code&)> memory_refused_;
  port_set ports_;
  base::moment now_;  ///< of the event that is being worked on
  storage::file_router router_;
  place_choice choice_;
  place_events place_events_;
  std::array<bool, storage::places_max> tested_well_{};
  std::array<bool, storage::places_max> tests_wanted_{};
  std::array<bool, storage::places_max> has_left_files_{};  ///< in a folder that was lost
  std::array<base::failure, storage::places_max> lost_for_;
  /// Packets were given up since the totals of the switch were taken.
  bool has_lost_packets_ = false;
  file_keeper keeper_;
  file_stream stream_;

  block_in_work block_;  ///< the block being encoded
  std::size_t block_port_ = 0;
  std::size_t packet_needs_ = 0;  ///< room without which the pending packet cannot go on

  std::vector<std::byte> text_;  ///< kept for its capacity

  format::recording_totals totals_at_switch_;  ///< what the file before ended with
  base::steady_time statistics_at_;
  base::steady_time refresh_at_;
  base::steady_time sync_at_;
  bool rotation_asked_ = false;
  bool recording_ended_ = false;
  std::optional<base::steady_time> deadline_;
  recorder_outcome outcome_;
  std::uint64_t actions_ = 0;       ///< performed
  std::uint64_t actions_seen_ = 0;  ///< at the last call of made_progress
};

}  // namespace captured::pipeline
