// SPDX-License-Identifier: MIT
//
// The second half of verify_file: do notes, statistics and packets of a closed file agree? Only for
// the verification itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "format/verification.hpp"

namespace captured::format {

/// Counts the finding, and keeps it while there is room.
void add_finding(file_report& report, severity level, std::optional<std::uint64_t> offset,
                 std::string text);

/// For each interface: totals at the start + packets = totals at the end = last statistics, drops
/// told by packets within those of the totals at the end; at a stop the ledger balances. The report
/// must have both notes.
void judge_figures(file_report& report);

}  // namespace captured::format
