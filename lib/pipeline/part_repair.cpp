// SPDX-License-Identifier: MIT
#include "pipeline/part_repair.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "format/octet_source.hpp"
#include "format/recording_closing.hpp"
#include "format/verification.hpp"
#include "storage/part_file.hpp"

namespace captured::pipeline {

namespace {

using storage::part_file;

constexpr std::string_view open_ending = ".part";

std::string without(std::string name, std::string_view ending) {
  name.resize(name.size() - ending.size());
  return name;
}

/// "NAME" of "NAME.pcapng.part".
std::string stem_of(const std::string& part) {
  return without(part, storage::part_suffix);
}

/// A part from front to back, until told to stop.
class part_source final : public format::octet_source {
 public:
  part_source(const part_file& from, const std::atomic<bool>& stop) : from_(from), stop_(stop) {}

  base::result<std::size_t> read(std::span<std::byte> room) override {
    if (stop_) {
      failure_ = base::system_failure(ECANCELED, "repair " + from_.name());
      return *failure_;
    }
    auto count = from_.read(room, offset_);
    if (count) {
      offset_ += *count;
    } else {
      failure_ = count.error();
    }
    return count;
  }

  [[nodiscard]] const std::optional<base::failure>& failure() const noexcept { return failure_; }

 private:
  const part_file& from_;
  const std::atomic<bool>& stop_;
  std::uint64_t offset_ = 0;
  std::optional<base::failure> failure_;
};

repaired_part describe(const std::string& part, const part_file& file) {
  repaired_part done;
  done.part = part;
  done.file = {file.name(), file.size(), file.size(), file.changed(), false};
  return done;
}

base::result<repaired_part> set_aside(part_file& file, std::string reason) {
  const std::string part = file.name();
  const auto renamed = file.rename_to(
      stem_of(part), std::string(storage::final_suffix) + std::string(storage::damaged_suffix));
  if (!renamed) {
    return renamed.error();
  }
  repaired_part done = describe(part, file);
  done.is_set_aside = true;
  done.reason = std::move(reason);
  return done;
}

/// Why a file whose beginning says nothing cannot be repaired.
std::string reason_of(const part_file& file) {
  if (file.size() == 0) {
    return "it is empty: the recorder ended before anything was written into it";
  }
  const auto used = file.used_bytes(0);
  return used && *used == 0 ? "it holds nothing but zeros" : "its beginning is not that of a file";
}

/// Where a file is renamed by a second name, the first one may have been left. True if so.
base::result<bool> finish_renaming(part_file& file) {
  const std::string name = without(file.name(), open_ending);
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
      auto gone = set_aside(*file, reason_of(*file));
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
    if (folder.exists(without(one.name, open_ending))) {
      if (const auto moved =
              file->rename_to(stem_of(one.name) + "+r", std::string(storage::part_suffix));
          !moved) {
        found.troubles.push_back(moved.error());
        continue;
      }
    }
    found.to_repair.push_back(file->name());
  }
  return found;
}

base::result<repaired_part> repair_part(const storage::output_directory& folder,
                                        const std::string& name, const std::atomic<bool>& stop) {
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
  if (source.failure() && source.failure()->code.value() == ECANCELED) {
    return *source.failure();
  }
  if (source.failure()) {
    return set_aside(*file, source.failure()->message());
  }
  if (!report.note) {
    return set_aside(*file, "its beginning is not that of a recording");
  }
  const auto used = file->used_bytes(report.octets);
  if (!used) {
    return set_aside(*file, used.error().message());
  }
  const std::uint64_t lost = *used - report.octets;
  if (const auto closed = file->close_at(report.octets, format::closing_blocks(report, lost));
      !closed) {
    return closed.error();
  }
  if (const auto named = file->rename_to(stem_of(name), std::string(storage::final_suffix));
      !named) {
    return named.error();
  }
  repaired_part done = describe(name, *file);
  done.file.sequence = report.note->sequence;
  done.packets = report.packets;
  done.octets_lost = lost;
  return done;
}

}  // namespace captured::pipeline
