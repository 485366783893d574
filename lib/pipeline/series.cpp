// SPDX-License-Identifier: MIT
#include "pipeline/series.hpp"

#include <utility>

#include "base/bytes.hpp"
#include "format/record_scan.hpp"
#include "format/recording_note.hpp"

namespace captured::pipeline {

namespace {

bool begins_as_section(std::span<const std::byte> beginning) {
  constexpr std::uint32_t section_header = 0x0A0D0D0A;
  return beginning.size() >= 4 &&
         base::load_little<std::uint32_t>(beginning.data()) == section_header;
}

/// The number of a file that cannot say it: from a name of the output's, or from that which a file
/// gets whose name a power cut took (output_directory::remove_prepared).
std::optional<std::uint64_t> sequence_in(const std::string& name, const storage::file_name& names,
                                         const std::string& output) {
  if (const auto sequence = names.sequence_of(name)) {
    return sequence;
  }
  const auto kept = storage::file_name::parse("{output}-{sequence}", output, names.extension());
  return kept ? kept->sequence_of(name) : std::nullopt;
}

}  // namespace

std::optional<storage::file_origin> read_origin(std::span<const std::byte> beginning) {
  auto note = format::read_recording_note(beginning);
  return note ? std::optional(storage::file_origin{std::move(note->output), note->sequence})
              : std::nullopt;
}

base::result<storage::own_files> own_files_of(const storage::output_options& output,
                                              file_format format) {
  auto names = storage::file_name::parse(output.file_name, output.name, extension_of(format));
  if (!names) {
    return names.error();
  }
  storage::own_files own{
      .names = std::move(*names),
      .output = output.name,
      .names_tell_output = output.file_name.find("{output}") != std::string::npos};
  if (format == file_format::pcapng) {
    own.read_origin = [](const std::string& /*name*/, std::span<const std::byte> beginning) {
      return read_origin(beginning);
    };
    own.is_beginning = begins_as_section;
    return own;
  }
  own.with_sidecars = format == file_format::lpcap;
  own.is_beginning = [lpcap = own.with_sidecars](std::span<const std::byte> beginning) {
    const auto walker = format::record_walker::of(beginning);
    return walker && walker->is_lpcap() == lpcap;
  };
  own.read_origin = [names = own.names, output = own.output, is_ours = own.is_beginning](
                        const std::string& name, std::span<const std::byte> beginning) {
    const auto sequence = is_ours(beginning) ? sequence_in(name, names, output) : std::nullopt;
    return sequence ? std::optional(storage::file_origin{output, *sequence}) : std::nullopt;
  };
  return own;
}

base::result<series_start> continue_series(const storage::output_directory& folder,
                                           const storage::own_files& own, std::string recording) {
  const auto last = folder.find_previous(own.names, own.output, own.read_origin);
  if (!last) {
    return last.error();
  }
  series_start start{.recording = std::move(recording)};
  if (*last) {
    start.next_sequence = (*last)->sequence + 1;
    start.previous = (*last)->name;
    // A file that was left open by an earlier life loses this suffix when it is repaired.
    if (start.previous->ends_with(storage::open_suffix)) {
      start.previous->resize(start.previous->size() - storage::open_suffix.size());
    }
  }
  return start;
}

void go_on_from(series_start& start, const series_start& former) {
  if (former.next_sequence >= start.next_sequence) {
    start = former;
  } else {
    // A folder is back that was away, where numbers had got further.
    start.totals = former.totals;
    start.forgotten = former.forgotten;
  }
}

void go_on_behind(series_start& start, const storage::prepared_outcome& prepared) {
  if (prepared.left && prepared.left->sequence >= start.next_sequence) {
    start.next_sequence = prepared.left->sequence + 1;
    start.previous = prepared.left->name;
  }
}

}  // namespace captured::pipeline
