// SPDX-License-Identifier: MIT
//
// Who may use the files and folders that an output makes. Applied to what was made by descriptor,
// never through a name that somebody could have put something else under.
#pragma once

#include <cstdint>
#include <optional>

#include <sys/types.h>

namespace captured::storage {

struct file_rights {
  std::uint32_t mode = 0640;        ///< of files, whatever the process's umask
  std::optional<gid_t> group = {};  ///< that they are given to
  friend bool operator==(const file_rights&, const file_rights&) = default;
};

/// Permissions of a folder: who may read the files may search it.
[[nodiscard]] constexpr std::uint32_t folder_mode(const file_rights& rights) noexcept {
  return rights.mode | ((rights.mode & 0444) >> 2);
}

/// Gives what was just made its group and its mode; 0 or an errno value. File systems without
/// owners and modes refuse: with a mode alone that is no error.
[[nodiscard]] int apply_rights(int fd, const file_rights& rights, std::uint32_t mode) noexcept;

}  // namespace captured::storage
