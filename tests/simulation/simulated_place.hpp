// SPDX-License-Identifier: MIT
//
// One folder of a simulated output: what it was opened by, now and before. See simulated_places.cpp
// for how it comes and goes.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "pumped_files.hpp"
#include "simulated_disk.hpp"
#include "storage/output_directory.hpp"

namespace captured::simulation {

/// What becomes of files that are open on a disk when its path leads there no more.
enum class disk_fate : std::uint8_t {
  stays,  ///< they can be written and closed
  fails,  ///< every act on them fails
  hangs,  ///< no act on them is answered for a long time
};

struct simulated_place {
  /// The acts of one time that the folder was open. Earlier ones are there while files are open.
  struct life {
    std::shared_ptr<pumped_files> files;  // shared with the recorder
    bool hangs = false;
  };

  simulated_disk* disk = nullptr;
  std::shared_ptr<const storage::output_directory> folder = {};  ///< none: the place has none
  std::uint64_t mount = 0;                                       ///< which it was opened by
  std::vector<life> lives = {};
  /// By what hung in a folder that was the place's before: nobody hears of it.
  std::set<std::string> removed_late = {};
  /// Of which the disk told nothing when the folder was opened: no limit counts them.
  std::set<std::string> unknown = {};
  bool is_stalled = false;  ///< the disk gives no answer by this mount
  bool is_tested = false;
  bool repairs = true;  ///< when it is opened
  bool was_lost = false;
  bool has_lost_files = false;               ///< the recorder still has some of an earlier life
  std::set<std::string> refused = {};        ///< of parts that were left, those not taken whole
  std::vector<std::string> left_parts = {};  ///< to be repaired when it has none
};

}  // namespace captured::simulation
