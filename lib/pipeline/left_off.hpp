// SPDX-License-Identifier: MIT
//
// How far an earlier life of an output got with each of its interfaces, from what the last of its
// files says: with it the rings that it left behind are taken over. To be asked when its open files
// are repaired. Blocks as the disk does.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "capture/ring_catch_up.hpp"
#include "format/recording_note.hpp"
#include "storage/output_directory.hpp"

namespace captured::pipeline {

/// Files that are looked at, newest first: lives that ended before they had taken over every ring
/// left some without what is looked for.
inline constexpr std::size_t last_files_max = 1024;

/// By the identity of a recording, the totals at the end of its last finished file in the folder;
/// a recording without one is left out.
[[nodiscard]] base::result<std::map<std::string, format::recording_totals>> find_left_off(
    const storage::output_directory& folder, const storage::own_files& own,
    const std::vector<std::string>& recordings);

/// How much of a ring was dealt with: what the files have of the interface since the recording took
/// packets from it, and what the recording counted as unwritten. Without totals, no file was begun:
/// what had been dealt with before.
[[nodiscard]] capture::dealt_with dealt_with_of(const capture::ring_use& use,
                                                const format::interface_totals& totals) noexcept;

}  // namespace captured::pipeline
