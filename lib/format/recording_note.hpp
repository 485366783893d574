// SPDX-License-Identifier: MIT
//
// What our files say of themselves, so that the absence of gaps between them can be proven: the
// note in the section header, the note in the last block, and the blocks that fill space. They are
// custom options and blocks of JSON text under private_enterprise_number; other readers skip them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "format/pcapng_blocks.hpp"

namespace captured::format {

/// The major version of the notes, their member "captured". Notes of another one are refused.
inline constexpr std::int64_t recording_note_version = 1;

/// The ledger of one interface since the recording began.
struct interface_totals {
  std::uint64_t stored = 0;     ///< packets in files
  std::uint64_t osdrop = 0;     ///< packets the kernel ring had no room for
  std::uint64_t unwritten = 0;  ///< packets the disk did not take before the stop had to end
  bool operator==(const interface_totals&) const = default;
};

/// By the name of the interface, as its description block has it.
using recording_totals = std::map<std::string, interface_totals>;

/// Those of one interface; zeros when it is not listed.
[[nodiscard]] inline interface_totals totals_of(const recording_totals& totals,
                                                const std::string& name) {
  const auto found = totals.find(name);
  return found == totals.end() ? interface_totals{} : found->second;
}

/// Stands in the section header (option 19372).
struct recording_note {
  std::string recording;  ///< UUID; changes when nothing is taken over from the process before
  std::string output;
  std::uint64_t sequence = 0;           ///< goes on over restarts
  std::optional<std::string> previous;  ///< final name of the file before, without its folder
  std::uint64_t begun_ns = 0;           ///< since 1970-01-01 UTC
  recording_totals totals;              ///< at the start of the file
  /// Of the osdrop in those totals, by interface: what no packet before has told of. The first
  /// packet in this file may, without a further loss. Interfaces without such are left out.
  std::map<std::string, std::uint64_t> untold = {};
  /// There were more interfaces than a note can list: some that are gone are left out of the
  /// totals, here and in files before, and may be back with their figures.
  bool forgotten = false;
  bool operator==(const recording_note&) const = default;
};

namespace end_reason {
inline constexpr std::string_view rotation = "rotation";
inline constexpr std::string_view stop = "stop";
inline constexpr std::string_view error = "error";
inline constexpr std::string_view recovered = "recovered";
}  // namespace end_reason

/// The last block of a complete file.
struct end_note {
  std::string reason;  ///< one of end_reason
  recording_totals totals;
  std::uint64_t lost_octets = 0;  ///< recovered files: what repair cut off
  bool operator==(const end_note&) const = default;
};

/// JSON text. Names are taken as octets: what is not UTF-8 comes back as it was.
[[nodiscard]] std::string to_json(const recording_note& note);
[[nodiscard]] std::string to_json(const end_note& note);
/// Strict: every member present and of its type, numbers not negative; unknown members are
/// ignored. Fails with the member's name, and for another major version of "captured".
[[nodiscard]] base::result<recording_note> parse_recording_note(std::string_view json);
[[nodiscard]] base::result<end_note> parse_end_note(std::string_view json);

/// The option for section_header_block::custom. Fails when there are so many interfaces (about
/// 800) that the text does not fit an option.
[[nodiscard]] base::result<custom_option> to_option(const recording_note& note);
/// The option's text, if it is our note.
[[nodiscard]] std::optional<std::string_view> recording_note_text(const custom_option& option);
/// From the beginning of a file, which must hold its whole section header. Nothing when it is not
/// the file of a recording, or its note is none that this version reads.
[[nodiscard]] std::optional<recording_note> read_recording_note(
    std::span<const std::byte> beginning);

/// Appends the last block of a file.
void append(std::vector<std::byte>& out, const end_note& note);
/// The block's text, if it is our end of a file; its order is that of the section.
[[nodiscard]] std::optional<std::string_view> end_note_text(const custom_block& block,
                                                            byte_order order);

/// Smallest space that a block can fill.
inline constexpr std::size_t filler_bytes_min = 16;

/// Fills exactly `total_bytes` octets at `out`: at least filler_bytes_min, a multiple of 4, at most
/// block_bytes_max. Below 20 octets there is no room for the kind; it is a filler all the same.
void encode_filler(std::byte* out, std::size_t total_bytes) noexcept;
void append_filler(std::vector<std::byte>& out, std::size_t total_bytes);

/// Makes the head of a kernel ring block, which is 4-octet aligned, into a block of `total_bytes`
/// octets (as encode_filler). The first 16 and last 4 octets are written, what lies between is
/// kept. The number at offset 8 is written at once, because the kernel looks at that word.
void encode_ring_block_head(std::byte* out, std::size_t total_bytes) noexcept;

}  // namespace captured::format
