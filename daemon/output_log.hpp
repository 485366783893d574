// SPDX-License-Identifier: MIT
//
// What an output says in the log of its files and folders.
#pragma once

#include <string>

#include "base/error.hpp"
#include "pipeline/file_keeper.hpp"
#include "pipeline/open_files.hpp"
#include "pipeline/part_repair.hpp"

namespace captured::daemon {

/// `has_fallback`: trouble is no reason yet to let packets wait.
[[nodiscard]] pipeline::open_files_events log_events(const std::string& output, bool has_fallback);
[[nodiscard]] pipeline::file_keeper_events log_removals(const std::string& output);
void log_repaired(const std::string& output, const std::string& part,
                  const base::result<pipeline::repaired_part>& how);

}  // namespace captured::daemon
