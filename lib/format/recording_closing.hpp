// SPDX-License-Identifier: MIT
//
// Closes a recording that was cut where it lies: what to keep of its octets, and what to put behind
// them. For files that stay in place; recording_repair.hpp makes a whole copy of any format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "format/verification.hpp"

namespace captured::format {

/// The totals at the end of a recording that was cut, or those that it ends with. The report must
/// have a note.
[[nodiscard]] recording_totals totals_at_end(const file_report& report);

/// The blocks that follow the last whole one of a recording that was cut: statistics of each
/// interface it describes, with a comment that says "recovered", and the note of its end. The
/// report must have a note. A loss that the ring counted after the last statistics is not known;
/// the drops are the more that statistics or packets tell of. Nothing for a file that has its last
/// block and needs no other.
[[nodiscard]] std::vector<std::byte> closing_blocks(const file_report& report,
                                                    std::uint64_t octets_lost);

}  // namespace captured::format
