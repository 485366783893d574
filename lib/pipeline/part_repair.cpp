// SPDX-License-Identifier: MIT
#include "pipeline/part_repair.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "format/recording_closing.hpp"
#include "format/verification.hpp"
#include "pipeline/part_repair_steps.hpp"
#include "storage/paired_file.hpp"

namespace captured::pipeline {

namespace {

using storage::part_file;

/// Why a file whose beginning says nothing cannot be repaired.
std::string reason_of(const part_file& file) {
  if (file.size() == 0) {
    return "it is empty: the recorder ended before anything was written into it";
  }
  const auto used = file.used_bytes(0);
  return used && *used == 0 ? "it holds nothing but zeros" : "its beginning is not that of a file";
}

/// The sidecar of a file that was renamed takes the name that goes with it, as far as that can be
/// done: without it the file is one whose times are not known.
void follow(const storage::output_directory& folder, const std::string& from,
            const std::string& to) {
  const auto sidecar = find_sidecar(folder, from);
  const auto fd = folder.duplicate();
  if (!sidecar || !*sidecar || !fd) {
    return;
  }
  if (auto file = part_file::open(folder.calls(), fd->get(), **sidecar)) {
    static_cast<void>(file->rename_to(to, std::string(storage::sidecar_suffix)));
  }
}

/// Where a file is renamed by a second name, the first one may have been left. True if so.
base::result<bool> finish_renaming(part_file& file) {
  const std::string name = without(file.name(), storage::open_suffix);
  for (const std::string& other : {name, name + std::string(storage::damaged_suffix)}) {
    const auto has_also = file.has_also(other);
    if (!has_also) {
      return has_also.error();
    }
    if (*has_also) {
      const auto dropped = file.drop_name();
      return dropped ? base::result<bool>(true) : dropped.error();
    }
  }
  return false;
}

}  // namespace

repaired_part describe_part(const std::string& part, const part_file& file) {
  repaired_part done;
  done.part = part;
  done.file = {file.name(), file.size(), file.size(), file.changed(), false};
  return done;
}

base::result<repaired_part> set_aside(const storage::output_directory& folder, part_file& file,
                                      std::string reason) {
  const std::string part = file.name();
  file.give_back_reserved();
  const auto renamed =
      file.rename_to(stem_of(part), extension_of_part(part) + std::string(storage::damaged_suffix));
  if (!renamed) {
    return renamed.error();
  }
  follow(folder, part, file.name());
  repaired_part done = describe_part(part, file);
  done.is_set_aside = true;
  done.reason = std::move(reason);
  return done;
}

base::result<repaired_part> leave_unclosed(const storage::output_directory& folder, part_file& file,
                                           const base::failure& why) {
  if (!file.is_refused()) {
    return why;
  }
  auto gone = set_aside(folder, file, why.message());
  return gone ? std::move(gone)
              : base::system_failure(
                    refused_error, "set aside " + file.name() + ", which the device did not take");
}

base::result<repaired_part> set_refused_aside(const storage::output_directory& folder,
                                              const std::string& name) {
  const auto fd = folder.duplicate();
  if (!fd) {
    return fd.error();
  }
  auto file = part_file::open(folder.calls(), fd->get(), name);
  return file ? set_aside(folder, *file, "the device refused some of its octets") : file.error();
}

base::result<found_parts> find_parts(const storage::output_directory& folder,
                                     const storage::own_files& own) {
  const auto fd = folder.duplicate();
  if (!fd) {
    return fd.error();
  }
  auto parts = folder.find_parts(own);
  if (!parts) {
    return parts.error();
  }
  found_parts found;
  for (const storage::open_part& one : *parts) {
    if (one.trouble) {
      found.troubles.push_back(*one.trouble);
      continue;
    }
    auto file = part_file::open(folder.calls(), fd->get(), one.name);
    if (!file) {
      found.troubles.push_back(file.error());
      continue;
    }
    if (!one.says_it_is_ours) {
      auto gone = set_aside(folder, *file, reason_of(*file));
      gone ? found.set_aside.push_back(std::move(*gone)) : found.troubles.push_back(gone.error());
      continue;
    }

    const auto renamed = finish_renaming(*file);
    if (!renamed) {
      found.troubles.push_back(renamed.error());
    }
    if (!renamed || *renamed) {
      continue;
    }
    // Now, so that the file after it can name it.
    const auto is_taken = folder.exists(without(one.name, storage::open_suffix));
    if (!is_taken) {
      found.troubles.push_back(is_taken.error());
      continue;
    }
    if (*is_taken) {
      if (const auto moved =
              file->rename_to(stem_of(one.name) + "+r",
                              extension_of_part(one.name) + std::string(storage::open_suffix));
          !moved) {
        found.troubles.push_back(moved.error());
        continue;
      }
      follow(folder, one.name, file->name());
    }
    found.to_repair.push_back(file->name());
  }
  return found;
}

namespace {

base::result<repaired_part> repair_blocks(const storage::output_directory& folder,
                                          const std::string& name, const std::atomic<bool>& stop,
                                          std::optional<recording_end>* end) {
  const auto fd = folder.duplicate();
  if (!fd) {
    return fd.error();
  }
  auto file = part_file::open(folder.calls(), fd->get(), name);
  if (!file) {
    return file.error();
  }
  part_source source(*file, stop);
  const format::file_report report = format::verify_file(name, source);
  if (source.was_stopped()) {
    return *source.failure();
  }
  if (source.failure()) {
    return set_aside(folder, *file, source.failure()->message());
  }
  if (!report.note) {
    return set_aside(folder, *file, "its beginning is not that of a recording");
  }
  if (end != nullptr) {
    *end = {report.note->recording, report.note->sequence, format::totals_at_end(report)};
  }
  const auto used = file->used_bytes(report.octets);
  if (!used) {
    return set_aside(folder, *file, used.error().message());
  }
  const std::uint64_t lost = *used - report.octets;
  if (const auto closed = file->close_at(report.octets, format::closing_blocks(report, lost));
      !closed) {
    return leave_unclosed(folder, *file, closed.error());
  }
  if (const auto named = file->rename_to(stem_of(name), extension_of_part(name)); !named) {
    return named.error();
  }
  repaired_part done = describe_part(name, *file);
  done.file.sequence = report.note->sequence;
  done.packets = report.packets;
  done.octets_lost = lost;
  return done;
}

}  // namespace

base::result<repaired_part> repair_part(const storage::output_directory& folder,
                                        const std::string& name, const std::atomic<bool>& stop,
                                        std::optional<recording_end>* end) {
  auto done = extension_of_part(name) == storage::final_suffix
                  ? repair_blocks(folder, name, stop, end)
                  : repair_records(folder, name, stop);
  if (!done && done.error().code.value() == ENOENT) {
    const auto there = folder.look_at(without(name, storage::open_suffix));
    if (there && there->is_known) {
      repaired_part finished{.part = name};
      finished.file = {.name = there->name,
                       .size_bytes = there->size_bytes,
                       .allocated_bytes = there->allocated_bytes,
                       .changed = there->changed};
      finished.was_finished = true;
      return finished;
    }
  }
  return done;
}

}  // namespace captured::pipeline
