// SPDX-License-Identifier: MIT
//
// The part of output_directory that deals with files which were made ready under a hidden name.
#include "storage/output_directory.hpp"
#include "storage/paired_file.hpp"

namespace captured::storage {

base::result<bool> output_directory::was_used(const directory_file& prepared,
                                              const own_files& own) const {
  if (prepared.size_bytes == 0) {
    return false;
  }
  const auto beginning = read_beginning(prepared.name);
  return beginning ? base::result<bool>(own.is_beginning(*beginning)) : beginning.error();
}

base::result<void> output_directory::keep_prepared(const std::string& name,
                                                   const own_files& own) const {
  // ".main-000007.…" becomes "main-000007.pcapng.part".
  const std::string to =
      name.substr(1, name.find_last_of('.') - 1) + own.names.extension() + std::string(open_suffix);
  if (own.with_sidecars) {
    calls_->rename(fd_.get(), sidecar_of(name).c_str(), sidecar_of(to).c_str());
  }
  const auto renamed = calls_->rename(fd_.get(), name.c_str(), to.c_str());
  if (renamed.error != 0) {
    return base::system_failure(renamed.error, "rename " + path_ + "/" + name);
  }
  return {};
}

base::result<std::size_t> output_directory::remove_prepared(const own_files& own) const {
  const auto all = names();
  if (!all) {
    return all.error();
  }
  std::size_t removed = 0;
  for (const auto& name : *all) {
    const auto file = is_prepared_name(name, own.output) ? look_at(name) : std::nullopt;
    if (!file) {
      continue;
    }
    const auto used = was_used(*file, own);
    if (!used) {
      return used.error();
    }
    if (*used) {
      // A power cut took its new name, which had not reached the disk.
      if (auto kept = keep_prepared(name, own); !kept) {
        return kept.error();
      }
      continue;
    }
    if (auto gone = remove(name); !gone) {
      return gone.error();
    }
    if (own.with_sidecars) {
      static_cast<void>(remove(sidecar_of(name)));
    }
    ++removed;
  }
  return removed;
}

}  // namespace captured::storage
