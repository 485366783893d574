// SPDX-License-Identifier: MIT
#include "pipeline/left_off.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "base/bytes.hpp"
#include "format/block_walker.hpp"
#include "format/pcapng_parse.hpp"
#include "storage/part_file.hpp"

namespace captured::pipeline {

namespace {

using storage::part_file;

/// A note of the largest kind: far below what a block may be.
constexpr std::size_t end_bytes_max = std::size_t{1} << 20;
constexpr std::uint32_t block_overhead_bytes = 12;

std::vector<std::byte> read_at(const part_file& file, std::uint64_t offset, std::size_t count) {
  std::vector<std::byte> octets(count);
  std::size_t filled = 0;
  while (filled < count) {
    const auto got = file.read(std::span(octets).subspan(filled), offset + filled);
    if (!got || *got == 0) {
      break;
    }
    filled += *got;
  }
  octets.resize(filled);
  return octets;
}

std::optional<format::recording_note> read_note(const part_file& file) {
  const auto beginning = read_at(file, 0, storage::origin_bytes_max);
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
    if (const auto text = format::recording_note_text(option)) {
      if (auto note = format::parse_recording_note(*text)) {
        return std::move(*note);
      }
    }
  }
  return std::nullopt;
}

/// From the file's last block, without what lies between.
std::optional<format::end_note> read_end(const part_file& file) {
  if (file.size() < block_overhead_bytes) {
    return std::nullopt;
  }
  const auto trailer = read_at(file, file.size() - 4, 4);
  if (trailer.size() < 4) {
    return std::nullopt;
  }
  const auto length = base::load_little<std::uint32_t>(trailer.data());
  if (length < block_overhead_bytes ||
      length > std::min<std::uint64_t>(file.size(), end_bytes_max)) {
    return std::nullopt;
  }
  const auto octets = read_at(file, file.size() - length, length);
  if (octets.size() < length || base::load_little<std::uint32_t>(octets.data() + 4) != length) {
    return std::nullopt;
  }
  const format::block_view block{
      .type = base::load_little<std::uint32_t>(octets.data()),
      .order = format::byte_order::little,
      .total_bytes = length,
      .body = std::span(octets).subspan(8, length - block_overhead_bytes)};
  const auto custom = format::parse_custom(block);
  const auto text =
      custom ? format::end_note_text(*custom, format::byte_order::little) : std::nullopt;
  auto note =
      text ? format::parse_end_note(*text) : base::result<format::end_note>(base::failure{});
  return note ? std::optional(std::move(*note)) : std::nullopt;
}

}  // namespace

base::result<std::map<std::string, format::recording_totals>> find_left_off(
    const storage::output_directory& folder, const storage::own_files& own,
    const std::vector<std::string>& recordings) {
  const auto fd = folder.duplicate();
  if (!fd) {
    return fd.error();
  }
  auto files = folder.find_kept(own);
  if (!files) {
    return files.error();
  }
  std::ranges::sort(*files, [](const storage::kept_file& a, const storage::kept_file& b) {
    return a.sequence > b.sequence;
  });
  files->resize(std::min(files->size(), last_files_max));
  std::map<std::string, format::recording_totals> found;
  std::vector<std::string> wanted = recordings;
  for (const storage::kept_file& one : *files) {
    if (wanted.empty()) {
      break;
    }
    const auto file = part_file::open(folder.calls(), fd->get(), one.name);
    const auto note = file ? read_note(*file) : std::nullopt;
    const auto at = note ? std::ranges::find(wanted, note->recording) : wanted.end();
    if (at == wanted.end()) {
      continue;
    }
    if (auto end = read_end(*file)) {
      found[note->recording] = std::move(end->totals);
      wanted.erase(at);
    }
  }
  return found;
}

capture::dealt_with dealt_with_of(const capture::ring_use& use,
                                  const format::interface_totals& totals) noexcept {
  const auto growth = [](std::uint64_t now, std::uint64_t before) {
    return now > before ? now - before : 0;
  };
  return {.packets_total =
              use.packets_before + growth(totals.stored + totals.unwritten, use.packets_recorded),
          .losses_told = use.losses_before + growth(totals.osdrop, use.losses_recorded)};
}

}  // namespace captured::pipeline
