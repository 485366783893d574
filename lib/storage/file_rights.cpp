// SPDX-License-Identifier: MIT
#include "storage/file_rights.hpp"

#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

namespace captured::storage {

int apply_rights(int fd, const file_rights& rights, std::uint32_t mode) noexcept {
  // The group first: until then nobody else should get more than the umask left.
  if (rights.group && ::fchown(fd, static_cast<uid_t>(-1), *rights.group) != 0) {
    return errno;
  }
  struct stat now {};
  if (::fstat(fd, &now) == 0 && (now.st_mode & 07777) != mode) {
    static_cast<void>(::fchmod(fd, mode));
  }
  return 0;
}

}  // namespace captured::storage
