// SPDX-License-Identifier: MIT
#include "pipeline/left_off.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <span>
#include <utility>

#include "base/bytes.hpp"
#include "format/block_walker.hpp"
#include "format/pcapng_parse.hpp"
#include "format/recording_closing.hpp"
#include "format/verification.hpp"
#include "pipeline/part_repair_steps.hpp"
#include "storage/part_file.hpp"

namespace captured::pipeline {

namespace {

using storage::part_file;

/// A note of the largest kind: far below what a block may be.
constexpr std::size_t end_bytes_max = std::size_t{1} << 20;
constexpr std::uint32_t block_overhead_bytes = 12;

/// As much of it as there is.
base::result<std::vector<std::byte>> read_at(const part_file& file, std::uint64_t offset,
                                             std::size_t count) {
  std::vector<std::byte> octets(count);
  std::size_t filled = 0;
  while (filled < count) {
    const auto got = file.read(std::span(octets).subspan(filled), offset + filled);
    if (!got) {
      return got.error();
    }
    if (*got == 0) {
      break;
    }
    filled += *got;
  }
  octets.resize(filled);
  return octets;
}

/// Nothing when it is not the file of a recording; fails when it cannot be read.
base::result<std::optional<format::recording_note>> read_note(const part_file& file) {
  const auto beginning = read_at(file, 0, storage::origin_bytes_max);
  if (!beginning) {
    return beginning.error();
  }
  return format::read_recording_note(*beginning);
}

/// From the file's last block, without what lies between.
base::result<format::end_note> read_end(const part_file& file) {
  const base::failure none = base::invalid_input("read the end of " + file.name(),
                                                 "it does not say how far the recording got");
  if (file.size() < block_overhead_bytes) {
    return none;
  }
  const auto trailer = read_at(file, file.size() - 4, 4);
  if (!trailer || trailer->size() < 4) {
    return trailer ? none : trailer.error();
  }
  const auto length = base::load_little<std::uint32_t>(trailer->data());
  if (length < block_overhead_bytes ||
      length > std::min<std::uint64_t>(file.size(), end_bytes_max)) {
    return none;
  }
  const auto octets = read_at(file, file.size() - length, length);
  if (!octets) {
    return octets.error();
  }
  if (octets->size() < length || base::load_little<std::uint32_t>(octets->data() + 4) != length) {
    return none;
  }
  const format::block_view block{
      .type = base::load_little<std::uint32_t>(octets->data()),
      .order = format::byte_order::little,
      .total_bytes = length,
      .body = std::span(*octets).subspan(8, length - block_overhead_bytes)};
  const auto custom = format::parse_custom(block);
  const auto text =
      custom ? format::end_note_text(*custom, format::byte_order::little) : std::nullopt;
  auto note = text ? format::parse_end_note(*text) : base::result<format::end_note>(none);
  return note ? std::move(note) : none;
}

using last_ends = std::map<std::string, recording_end>;  // by recording

/// Those that it tells of are wanted no more.
void look_at_finished(const storage::output_directory& folder, int fd, const std::string& name,
                      std::vector<std::string>& wanted, last_ends& found,
                      std::vector<base::failure>& unread) {
  const auto file = part_file::open(folder.calls(), fd, name, storage::file_access::read);
  if (!file) {
    if (file.error().code.value() != ENOENT) {
      unread.push_back(file.error());
    }
    return;
  }
  const auto note = read_note(*file);
  if (!note) {
    unread.push_back(note.error());
    return;
  }
  const auto at = *note ? std::ranges::find(wanted, (*note)->recording) : wanted.end();
  if (at == wanted.end()) {
    return;
  }
  auto end = read_end(*file);
  if (!end) {
    unread.push_back(end.error());
    return;
  }
  found[(*note)->recording] = {(*note)->recording, (*note)->sequence, std::move(end->totals)};
  wanted.erase(at);
}

base::result<last_ends> look_through_finished(const storage::output_directory& folder, int fd,
                                              const storage::own_files& own,
                                              std::vector<std::string> wanted,
                                              std::vector<base::failure>& unread) {
  auto files = folder.find_kept(own);
  if (!files) {
    return files.error();
  }
  for (const std::string& name : files->unknown) {
    unread.push_back(base::system_failure(EIO, "look at " + folder.path() + "/" + name));
  }
  std::ranges::sort(files->files, [](const storage::kept_file& a, const storage::kept_file& b) {
    return a.sequence > b.sequence;
  });
  files->files.resize(std::min(files->files.size(), last_files_max));
  last_ends found;
  for (const storage::kept_file& one : files->files) {
    if (wanted.empty()) {
      break;
    }
    look_at_finished(folder, fd, one.name, wanted, found, unread);
  }
  return found;
}

/// Where a file ends that could not be closed, as on a full disk, is known all the same. One that
/// cannot be read is as good as none, and among those that could have told more.
base::result<std::optional<recording_end>> read_open(const storage::output_directory& folder,
                                                     int fd, const std::string& name,
                                                     const std::vector<std::string>& wanted,
                                                     const std::atomic<bool>& stop,
                                                     std::vector<base::failure>& unread) {
  const auto file = part_file::open(folder.calls(), fd, name, storage::file_access::read);
  const auto note =
      file ? read_note(*file) : base::result<std::optional<format::recording_note>>(file.error());
  if (!note) {
    if (note.error().code.value() != ENOENT) {
      unread.push_back(note.error());
    }
    return std::optional<recording_end>();
  }
  if (!*note || std::ranges::find(wanted, (*note)->recording) == wanted.end()) {
    return std::optional<recording_end>();
  }
  part_source source(*file, stop);
  const format::file_report report = format::verify_file(name, source);
  if (source.was_stopped()) {
    return *source.failure();
  }
  if (source.failure()) {
    unread.push_back(*source.failure());
  }
  return report.note ? std::optional(recording_end{report.note->recording, report.note->sequence,
                                                   format::totals_at_end(report)})
                     : std::nullopt;
}

base::result<> look_through_open(const storage::output_directory& folder, int fd,
                                 const storage::own_files& own,
                                 const std::vector<std::string>& wanted,
                                 const std::map<std::string, recording_end>& ends,
                                 const std::atomic<bool>& stop, last_ends& found,
                                 std::vector<base::failure>& unread) {
  const auto parts = folder.find_parts(own);
  if (!parts) {
    return parts.error();
  }
  for (const storage::open_part& one : *parts) {
    const auto known = ends.find(one.name);
    auto end = known != ends.end() ? base::result<std::optional<recording_end>>(known->second)
                                   : read_open(folder, fd, one.name, wanted, stop, unread);
    if (!end) {
      return end.error();
    }
    if (!*end || std::ranges::find(wanted, (*end)->recording) == wanted.end()) {
      continue;
    }
    recording_end& last = found[(*end)->recording];
    if (last.recording.empty() || last.sequence <= (*end)->sequence) {
      last = std::move(**end);
    }
  }
  return {};
}

}  // namespace

base::result<left_off> find_left_off(const storage::output_directory& folder,
                                     const storage::own_files& own,
                                     const std::vector<std::string>& recordings,
                                     const std::map<std::string, recording_end>& ends,
                                     const std::atomic<bool>& stop) {
  const auto fd = folder.duplicate();
  if (!fd) {
    return fd.error();
  }
  left_off left;
  auto found = look_through_finished(folder, fd->get(), own, recordings, left.unread);
  if (!found) {
    return found.error();
  }
  if (const auto open =
          look_through_open(folder, fd->get(), own, recordings, ends, stop, *found, left.unread);
      !open) {
    return open.error();
  }
  for (auto& [recording, last] : *found) {
    left.totals[recording] = std::move(last.totals);
  }
  return left;
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

std::uint64_t in_no_ledger(const capture::ring_use& use,
                           const format::interface_totals& totals) noexcept {
  const std::uint64_t in_files = totals.stored + totals.unwritten;
  return use.is_counted == 1 && in_files > use.packets_counted ? in_files - use.packets_counted : 0;
}

}  // namespace captured::pipeline
