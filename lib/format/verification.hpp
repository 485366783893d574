// SPDX-License-Identifier: MIT
//
// Is a recording whole? Judges one file to the octet, its statistics against the packets it holds,
// and a set of files against one another, so that nothing is missing between them. Judges only
// what files say themselves; it neither opens nor repairs them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "format/octet_source.hpp"
#include "format/recording_note.hpp"

namespace captured::format {

enum class severity : std::uint8_t {
  note,   ///< good to know
  loss,   ///< packets or octets are gone, and the files account for them
  fault,  ///< broken, missing or contradictory
};

/// One thing that was found, for an operator to read: "FILE: at offset OFFSET: TEXT".
struct finding {
  severity level = severity::note;
  std::string file;
  std::optional<std::uint64_t> offset;  ///< where in the file, when it is at one place
  std::string text;
};

/// Findings kept of one file; the rest is only counted.
inline constexpr std::size_t findings_per_file_max = 20;
/// Interface descriptions accepted in one section.
inline constexpr std::size_t interfaces_per_section_max = 65536;

/// What a file holds of one interface, under its name: all descriptions that share the name
/// together. The counters are those of the last statistics block with that name.
struct interface_account {
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;         ///< captured
  std::uint64_t dropcount_sum = 0;  ///< of epb_dropcount
  std::uint64_t steps_back = 0;  ///< packets stamped earlier than the one before of the interface
  std::uint64_t last_ticks = 0;
  std::uint32_t interface_id = 0;  ///< of its last description
  bool has_statistics = false;
  std::optional<std::uint64_t> filter_accept;
  std::optional<std::uint64_t> os_drop;
  std::optional<std::uint64_t> user_deliver;
};

enum class file_state : std::uint8_t {
  closed,   ///< ours, ends with our last block
  open,     ///< ours, still being written; whole up to `octets`
  cut,      ///< ours, but it ends without our last block
  foreign,  ///< has no note of ours: the structure was checked, nothing else can be
  broken,   ///< not whole to the octet
};

/// "closed"
[[nodiscard]] const char* describe(file_state state) noexcept;

struct file_report {
  std::string name;
  file_state state = file_state::broken;
  std::uint64_t octets = 0;  ///< of whole blocks from the start
  std::uint64_t packets = 0;
  std::optional<recording_note> note;
  std::optional<end_note> end;
  std::map<std::string, interface_account> interfaces;
  std::vector<finding> findings;  ///< at most findings_per_file_max
  std::uint64_t findings_left_out = 0;
  std::uint64_t faults = 0;  ///< findings of that severity, with those left out
  std::uint64_t losses = 0;
};

/// Reads the source to its end. `name` is the file's name, with or without its folder; with the
/// ending ".part" it is a file being written: what is not written yet is no fault.
[[nodiscard]] file_report verify_file(std::string name, octet_source& source);

/// The same of a file of any format, compressed or not: what is not pcapng has no recording note,
/// and its structure alone is checked.
[[nodiscard]] file_report verify_any_file(std::string name, octet_source& source);

/// Holds the files of each output against one another, in the order of their sequence: no number
/// missing or twice, each naming its predecessor and going on from its totals, and never more drops
/// told by packets since the recording began than its end note counts. Files before the first one
/// may have been removed by retention. Files without a note are left out. A note at the end of each
/// recording says which drops the packets told of and which they did not.
[[nodiscard]] std::vector<finding> verify_chains(std::span<const file_report> files);

}  // namespace captured::format
