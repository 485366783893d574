// SPDX-License-Identifier: MIT
//
// How far an earlier life of an output got with each of its interfaces, from what the last of its
// files says: with it the rings that it left behind are taken over. To be asked when its open files
// are repaired, as far as the disk lets them. Blocks as the disk does.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "capture/ring_catch_up.hpp"
#include "format/recording_note.hpp"
#include "pipeline/part_repair.hpp"
#include "storage/output_directory.hpp"

namespace captured::pipeline {

/// Files that are looked at, newest first: lives that ended before they had taken over every ring
/// left some without what is looked for.
inline constexpr std::size_t last_files_max = 1024;

struct left_off {
  /// By the identity of a recording, at the end of the last of its files that can be read.
  std::map<std::string, format::recording_totals> totals;
  /// Files that were finished later, or may have been, and cannot be read: what they have and a
  /// ring has, too, is going to be recorded again.
  std::vector<base::failure> unread;
};

/// Looks at finished files, and at those that could not be repaired and are still open. What the
/// repair has found of these is in `ends`, by their names; others are read whole. A recording
/// without a file is left out. With `stop` it ends soon, with ECANCELED.
[[nodiscard]] base::result<left_off> find_left_off(const storage::output_directory& folder,
                                                   const storage::own_files& own,
                                                   const std::vector<std::string>& recordings,
                                                   const std::map<std::string, recording_end>& ends,
                                                   const std::atomic<bool>& stop);

/// How much of a ring was dealt with: what the files have of the interface since the recording took
/// packets from it, and what the recording counted as unwritten. Without totals, no file was begun:
/// what had been dealt with before.
[[nodiscard]] capture::dealt_with dealt_with_of(const capture::ring_use& use,
                                                const format::interface_totals& totals) noexcept;

/// Packets that its files have of a ring, and that the recording did not count: it had ended before
/// the disk took them. Of one that was killed nothing is known: 0.
[[nodiscard]] std::uint64_t in_no_ledger(const capture::ring_use& use,
                                         const format::interface_totals& totals) noexcept;

}  // namespace captured::pipeline
