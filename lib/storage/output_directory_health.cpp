// SPDX-License-Identifier: MIT
//
// The part of output_directory that finds out whether the folder can still be used.
#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/output_directory.hpp"
#include "storage/system_calls.hpp"

namespace captured::storage {

namespace {

constexpr std::size_t test_bytes = 4096;

bool is_same_folder(const struct statx& left, const struct statx& right) {
  const bool has_mounts = (left.stx_mask & right.stx_mask & STATX_MNT_ID) != 0;
  return left.stx_dev_major == right.stx_dev_major && left.stx_dev_minor == right.stx_dev_minor &&
         left.stx_ino == right.stx_ino && (!has_mounts || left.stx_mnt_id == right.stx_mnt_id);
}

}  // namespace

base::result<void> output_directory::check_path() const {
  struct statx here {};
  struct statx there {};
  constexpr unsigned wanted = STATX_INO | STATX_MNT_ID;
  if (::statx(fd_.get(), "", AT_EMPTY_PATH, wanted, &here) < 0) {
    return errno == ESTALE ? base::result<void>(base::system_failure(errno, "look at " + path_))
                           : base::result<void>();
  }
  if (::statx(AT_FDCWD, path_.c_str(), 0, wanted, &there) < 0) {
    const bool is_gone = errno == ENOENT || errno == ENOTDIR || errno == ESTALE;
    return is_gone ? base::result<void>(base::system_failure(errno, "look at directory " + path_))
                   : base::result<void>();
  }
  if (is_same_folder(here, there)) {
    return {};
  }
  return base::invalid_input(
      "directory " + path_,
      here.stx_ino == there.stx_ino && here.stx_dev_minor == there.stx_dev_minor
          ? "it was mounted anew"
          : "another directory is there now, or its disk was unmounted");
}

base::result<void> output_directory::test_writing(std::string_view output) const {
  // Should it stay behind, it goes as what was prepared does.
  const std::string name = prepared_name(output, sequence_max);
  const std::string context = "test " + path_;
  static_cast<void>(remove(name));
  const auto made = calls_->create(fd_.get(), name.c_str());
  if (made.error != 0) {
    return base::system_failure(made.error, context);
  }
  const base::unique_fd file(static_cast<int>(made.value));
  static constexpr std::array<std::byte, test_bytes> octets{};
  const auto written = calls_->write(file.get(), octets, 0);
  const auto forced = written.error == 0 ? calls_->sync_data(file.get()) : written;
  const auto removed = remove(name);
  if (forced.error != 0 || written.value < static_cast<std::int64_t>(test_bytes)) {
    return base::system_failure(forced.error != 0 ? forced.error : ENOSPC, context);
  }
  return removed;
}

}  // namespace captured::storage
