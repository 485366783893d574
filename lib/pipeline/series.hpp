// SPDX-License-Identifier: MIT
//
// Where a series of files goes on after a restart: found in the folder, from what the files say.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "pipeline/file_text.hpp"
#include "pipeline/options.hpp"
#include "storage/output_directory.hpp"

namespace captured::pipeline {

/// The output and sequence that the head of a pcapng file names, or nothing when it is not one of
/// ours.
[[nodiscard]] std::optional<storage::file_origin> read_origin(std::span<const std::byte> beginning);

/// What tells the finished files of this output from others. Files of other formats than pcapng do
/// not say whose they are: their names do, which must hold {output}. Fails on a bad file name.
[[nodiscard]] base::result<storage::own_files> own_files_of(
    const storage::output_options& output, file_format format = file_format::pcapng);

/// The next sequence, and as predecessor the last file of this output, by the name it has when it
/// is complete. Blocks as the disk does.
[[nodiscard]] base::result<series_start> continue_series(const storage::output_directory& folder,
                                                         const storage::own_files& own,
                                                         std::string recording);

/// The same behind an earlier recorder of this process: totals go on, and numbers where they are
/// highest.
void go_on_from(series_start& start, const series_start& former);

/// The same behind a file that could not be given its name, if that is later.
void go_on_behind(series_start& start, const storage::prepared_outcome& prepared);

}  // namespace captured::pipeline
