// SPDX-License-Identifier: MIT
#include "pipeline/series.hpp"

#include <utility>

#include "format/block_walker.hpp"
#include "format/pcapng_parse.hpp"
#include "format/recording_note.hpp"

namespace captured::pipeline {

std::optional<storage::file_origin> read_origin(std::span<const std::byte> beginning) {
  format::block_walker walker;
  const auto step = walker.next(beginning);
  if (step.what != format::block_walker::status::block) {
    return std::nullopt;
  }
  std::uint64_t ignored = 0;
  const auto section = format::parse_section_header(step.block, ignored);
  if (!section) {
    return std::nullopt;
  }
  for (const format::custom_option& option : section->custom) {
    const auto text = format::recording_note_text(option);
    if (!text) {
      continue;
    }
    if (const auto note = format::parse_recording_note(*text)) {
      return storage::file_origin{note->output, note->sequence};
    }
  }
  return std::nullopt;
}

base::result<storage::own_files> own_files_of(const storage::output_options& output) {
  auto names = storage::file_name::parse(output.file_name, output.name);
  if (!names) {
    return names.error();
  }
  return storage::own_files{
      .names = std::move(*names),
      .output = output.name,
      .read_origin = read_origin,
      .names_tell_output = output.file_name.find("{output}") != std::string::npos};
}

base::result<series_start> continue_series(const storage::output_directory& folder,
                                           const storage::output_options& output,
                                           std::string recording) {
  const auto names = storage::file_name::parse(output.file_name, output.name);
  if (!names) {
    return names.error();
  }
  const auto last = folder.find_previous(*names, output.name, read_origin);
  if (!last) {
    return last.error();
  }
  series_start start{.recording = std::move(recording)};
  if (*last) {
    start.next_sequence = (*last)->sequence + 1;
    start.previous = (*last)->name;
    // A file that was left open by an earlier life loses this suffix when it is repaired.
    constexpr std::string_view open_suffix = ".part";
    if (start.previous->ends_with(open_suffix)) {
      start.previous->resize(start.previous->size() - open_suffix.size());
    }
  }
  return start;
}

}  // namespace captured::pipeline
