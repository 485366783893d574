// SPDX-License-Identifier: MIT
//
// One folder of an output, watched on a thread of its own, since a dead disk can hold up whoever
// looks at it: opens it, notices when its path leads elsewhere (unmounted, removed, replaced), and
// opens it again. What is recorded there, and when, is decided by others.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "pipeline/left_off.hpp"
#include "pipeline/part_repair.hpp"
#include "pipeline/series.hpp"
#include "storage/file_rights.hpp"
#include "storage/output_directory.hpp"

namespace captured::daemon {

/// What was found when a folder was opened.
struct opened_place {
  std::shared_ptr<const storage::output_directory> folder;  ///< also the watching thread's
  pipeline::series_start start;
  storage::own_files own;
  pipeline::found_parts parts;
  /// Without place_options::repair: what is left open there, perhaps by us.
  std::vector<std::string> still_open;
  std::vector<storage::prepared_file> still_prepared;
  std::vector<storage::kept_file> kept;
  std::vector<std::string> unknown;  ///< as in kept_listing
  bool direct_possible = false;
  /// With place_options::left: where those recordings left off, and what was repaired to know it.
  std::map<std::string, format::recording_totals> left_off;
  std::vector<base::failure> unread;  ///< files that could have told more of it
  std::vector<std::pair<std::string, base::result<pipeline::repaired_part>>> repaired;
};

/// How a folder is to be opened.
struct place_options {
  std::string directory;
  std::string output;
  std::string file_name;
  pipeline::file_format format = pipeline::file_format::pcapng;
  std::string recording;
  storage::file_rights rights;
  bool require_mount = false;
  bool repair = true;  ///< look for what an earlier life left open
  /// Recordings that left rings behind: what is open is repaired before anything is recorded.
  std::vector<std::string> left = {};
};

/// Called on the thread of the place.
struct place_watch_events {
  std::function<void(base::result<opened_place>)> opened;  ///< or why not; then it tries again
  std::function<void(const base::failure&)> lost;          ///< it is tried again at once
  std::function<void(const base::result<>&)> tested;
};

class output_place {
 public:
  /// Begins to open it. Fails when the system gives no thread.
  static base::result<std::unique_ptr<output_place>> start(place_options options,
                                                           place_watch_events events);
  output_place(const output_place&) = delete;
  output_place& operator=(const output_place&) = delete;
  /// No event comes any more. A thread that hangs on a dead disk is left to itself.
  ~output_place();

  /// Any thread. What was opened last could not be used: it is opened again.
  void open_again() noexcept;
  /// Any thread. Whether `tested` should come, twice a second.
  void set_testing(bool wanted) noexcept;
  /// Any thread. As place_options::repair, for the next time it is opened.
  void set_repair(bool repair) noexcept;

 private:
  struct shared_state;
  explicit output_place(std::shared_ptr<shared_state> state) : state_(std::move(state)) {}
  std::shared_ptr<shared_state> state_;  // also owned by the thread, which may outlive this
};

}  // namespace captured::daemon
