// SPDX-License-Identifier: MIT
//
// Makes a whole file of one that was cut or damaged: all up to the last whole block, closed. A
// recording of ours gets its closing statistics and the note "recovered", so that verification can
// account for it. Judging files is for verification.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "format/capture_reader.hpp"
#include "format/capture_writer.hpp"

namespace captured::format {

struct repair_report {
  std::uint64_t packets = 0;
  std::uint64_t octets_kept = 0;  ///< of the input
  std::uint64_t octets_lost = 0;  ///< cut off at the end
  bool was_whole = false;         ///< there was nothing to cut
  bool was_closed = false;        ///< and a recording had its closing note
  std::string damage;             ///< what ended it
};

/// Copies until the end or the first damage. `input_octets` is the input's size (decompressed);
/// zeros at its end, space that was never written, do not count as lost. The writer is of the
/// input's own format, keeps custom blocks, and is flushed by the caller.
[[nodiscard]] repair_report repair_capture(capture_reader& from, capture_writer& to,
                                           std::uint64_t input_octets);

}  // namespace captured::format
