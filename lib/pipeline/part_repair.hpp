// SPDX-License-Identifier: MIT
//
// What an earlier life of an output left open is made whole: cut after its last whole block,
// closed, and renamed; or set aside. Never removed, never over another file. Blocks as the disk
// does and reads whole files: for a thread of its own.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "format/recording_note.hpp"
#include "storage/output_directory.hpp"

namespace captured::pipeline {

/// What became of one file.
struct repaired_part {
  std::string part;  ///< its name before
  storage::kept_file file;
  bool is_set_aside = false;
  bool was_finished = false;  ///< by whoever had it open: nothing was left to be done
  std::string reason;         ///< why it was set aside
  std::uint64_t packets = 0;
  std::uint64_t octets_lost = 0;  ///< cut off at the end
};

struct found_parts {
  std::vector<std::string> to_repair;                 ///< names; oldest first
  std::vector<repaired_part> set_aside;               ///< done already
  std::vector<base::failure> troubles;                ///< of files that stay as they are
  std::vector<storage::prepared_file> prepared = {};  ///< to be removed where they hold nothing
};

/// Looks at the beginnings of the files that this output left open, which takes no time however
/// long they are. One that holds nothing, or does not say what it is, is set aside at once, so that
/// the next sequence can be told from the rest; one whose final name is taken gets another.
[[nodiscard]] base::result<found_parts> find_parts(const storage::output_directory& folder,
                                                   const storage::own_files& own);

/// The device has refused octets of a file that could not be set aside either.
inline constexpr int refused_error = EBADMSG;

/// Where a recording left off, by a file of it that was read to its end.
struct recording_end {
  std::string recording;
  std::uint64_t sequence = 0;
  format::recording_totals totals;
};

/// Repairs one of them. With `stop` it ends soon, with ECANCELED, and leaves the file as it was.
/// Fails with ENOENT when neither it nor its finished file is there, and with refused_error when
/// another attempt should be to set_refused_aside. `end`, where one is given, is set when the file
/// is a recording that could be read, also where it cannot be closed, as on a full disk.
[[nodiscard]] base::result<repaired_part> repair_part(const storage::output_directory& folder,
                                                      const std::string& name,
                                                      const std::atomic<bool>& stop,
                                                      std::optional<recording_end>* end = nullptr);

/// For one of which the device is known to have refused octets: what is read from it now proves
/// nothing. It is set aside as it is. Fails as repair_part does.
[[nodiscard]] base::result<repaired_part> set_refused_aside(const storage::output_directory& folder,
                                                            const std::string& name);

}  // namespace captured::pipeline
