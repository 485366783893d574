// SPDX-License-Identifier: MIT
//
// The part of output_directory that deals with files which were made ready under a hidden name.
#include <algorithm>

#include "storage/output_directory.hpp"
#include "storage/paired_file.hpp"
#include "storage/part_file.hpp"

namespace captured::storage {

namespace {

/// Anything but zeros, which the disk may show of what was reserved.
bool holds_anything(std::span<const std::byte> beginning) {
  return std::ranges::any_of(beginning, [](std::byte one) { return one != std::byte{0}; });
}

/// "main-000007" of ".main-000007.next"
std::string kept_stem(const std::string& prepared) {
  return prepared.substr(1, prepared.find_last_of('.') - 1);
}

}  // namespace

base::result<bool> output_directory::was_used(const directory_file& prepared,
                                              const own_files& own) const {
  if (prepared.is_known && prepared.size_bytes == 0) {
    return false;
  }
  const auto beginning = read_beginning(prepared.name);
  if (!beginning) {
    return beginning.error();
  }
  return own.is_beginning(*beginning) || holds_anything(*beginning);
}

base::result<void> output_directory::keep_prepared(const std::string& name, const own_files& own,
                                                   const std::vector<std::string>& all) const {
  auto file = part_file::open(*calls_, fd_.get(), name);
  if (!file) {
    return file.error();
  }
  // Where renaming takes a link and a removal, the end may have come between the two.
  for (const std::string& other : all) {
    if (other.starts_with('.') || other.find(own.names.extension()) == std::string::npos) {
      continue;
    }
    const auto same = file->has_also(other);
    if (!same) {
      return same.error();
    }
    if (*same) {
      if (own.with_sidecars) {
        calls_->rename(fd_.get(), sidecar_of(name).c_str(), sidecar_of(other).c_str());
      }
      return file->drop_name();
    }
  }
  // ".main-000007.…" becomes "main-000007.pcapng.part", or "main-000007+1.pcapng.part".
  const auto kept =
      file->rename_to(kept_stem(name), own.names.extension() + std::string(open_suffix));
  if (kept && own.with_sidecars) {
    calls_->rename(fd_.get(), sidecar_of(name).c_str(), sidecar_of(file->name()).c_str());
  }
  return kept;
}

void output_directory::settle_prepared(const directory_file& prepared, const own_files& own,
                                       const std::vector<std::string>& all,
                                       prepared_outcome& outcome) const {
  const std::uint64_t sequence = prepared_sequence(prepared.name, own.output).value_or(0);
  const bool is_test = sequence == sequence_max;  // see test_writing
  const auto used = is_test ? base::result<bool>(false) : was_used(prepared, own);
  if (used && !*used) {
    if (const auto gone = remove(prepared.name); !gone) {
      outcome.troubles.push_back(gone.error());
      return;
    }
    if (own.with_sidecars) {
      static_cast<void>(remove(sidecar_of(prepared.name)));
    }
    ++outcome.removed;
    return;
  }
  // A power cut took its new name, which had not reached the disk.
  const auto kept = used ? keep_prepared(prepared.name, own, all) : used.error();
  if (kept) {
    return;
  }
  outcome.troubles.push_back(kept.error());
  if (!outcome.left || sequence >= outcome.left->sequence) {
    outcome.left = previous_file{sequence, kept_stem(prepared.name) + own.names.extension()};
  }
}

base::result<prepared_outcome> output_directory::remove_prepared(const own_files& own) const {
  const auto all = names();
  if (!all) {
    return all.error();
  }
  prepared_outcome outcome;
  for (const auto& name : *all) {
    if (const auto file = is_prepared_name(name, own.output) ? look_at(name) : std::nullopt) {
      // One that cannot be settled is in nobody's way: a new one of its number gets another name.
      settle_prepared(*file, own, *all, outcome);
    }
  }
  return outcome;
}

base::result<std::vector<prepared_file>> output_directory::find_prepared(
    std::string_view output) const {
  const auto all = names();
  if (!all) {
    return all.error();
  }
  std::vector<prepared_file> found;
  for (const auto& name : *all) {
    file_facts facts;
    if (is_prepared_name(name, output) && look(name, facts) == 0) {
      found.push_back({name, facts.inode});
    }
  }
  return found;
}

std::size_t output_directory::remove_unused(const std::vector<prepared_file>& prepared) const {
  std::size_t removed = 0;
  for (const prepared_file& one : prepared) {
    file_facts facts;
    if (look(one.name, facts) != 0 || facts.inode != one.inode || !facts.is_regular) {
      continue;
    }
    const auto beginning = read_beginning(one.name);
    if (!beginning || holds_anything(*beginning) || !remove(one.name)) {
      continue;  // the next start deals with it
    }
    static_cast<void>(remove(sidecar_of(one.name)));
    ++removed;
  }
  return removed;
}

}  // namespace captured::storage
