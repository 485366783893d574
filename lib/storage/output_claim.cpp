// SPDX-License-Identifier: MIT
#include "storage/output_claim.hpp"

#include <fcntl.h>
#include <sys/file.h>

namespace captured::storage {

base::result<base::unique_fd> claim_output(int folder, const std::string& path,
                                           std::string_view output, const file_rights& rights) {
  const std::string name = "." + std::string(output) + ".lock";
  const std::string context = "claim output " + std::string(output) + " in " + path;
  base::unique_fd lock(
      ::openat(folder, name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, rights.mode));
  if (!lock) {
    return base::system_failure(errno, context);
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    base::failure why = base::system_failure(errno, context);
    if (why.code.value() == EWOULDBLOCK) {
      why.detail = "another process is recording it there";
    }
    return why;
  }
  if (const int error = apply_rights(lock.get(), rights, rights.mode); error != 0) {
    return base::system_failure(error, "give files in " + path + " to the group of the output");
  }
  return lock;
}

void end_claim(const base::unique_fd& claim) noexcept {
  if (claim) {
    ::flock(claim.get(), LOCK_UN);
  }
}

}  // namespace captured::storage
