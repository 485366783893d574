// SPDX-License-Identifier: MIT
//
// The system calls by which files of an output are made and written: a seam, so that tests can let
// each of them fail or hang. It decides nothing and retries nothing; open_file does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "storage/disk_space.hpp"
#include "storage/file_rights.hpp"

namespace captured::storage {

/// What a call gave: the number it returned and 0, or the errno value it failed with.
struct call_result {
  std::int64_t value = 0;
  int error = 0;
};

/// Names are relative to the descriptor `folder`. Functions may be called from several threads at
/// once.
class system_calls {
 public:
  /// `rights` are for the files that it makes.
  explicit system_calls(const file_rights& rights = {}) noexcept : rights_(rights) {}
  system_calls(const system_calls&) = delete;
  system_calls& operator=(const system_calls&) = delete;
  virtual ~system_calls() = default;

  /// openat(2) for writing with O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC and the rights given; value:
  /// descriptor.
  virtual call_result create(int folder, const char* name) noexcept;
  /// fallocate(2) from offset 0, with FALLOC_FL_KEEP_SIZE or so that the file is that long from
  /// then on; EOPNOTSUPP on tmpfs.
  virtual call_result allocate(int fd, std::uint64_t bytes, bool keep_size) noexcept;
  /// fcntl(2): whether writes go around the page cache (O_DIRECT); value: whether they did before.
  /// EINVAL where the file system cannot.
  virtual call_result set_direct(int fd, bool direct) noexcept;
  /// pwrite(2); value: octets taken.
  virtual call_result write(int fd, std::span<const std::byte> octets,
                            std::uint64_t offset) noexcept;
  /// ftruncate(2).
  virtual call_result cut(int fd, std::uint64_t bytes) noexcept;
  /// fdatasync(2): the octets and what is needed to find them.
  virtual call_result sync_data(int fd) noexcept;
  /// fsync(2); of files and of folders.
  virtual call_result sync(int fd) noexcept;
  /// renameat2(2) with RENAME_NOREPLACE.
  virtual call_result rename(int folder, const char* from, const char* to) noexcept;
  /// linkat(2): a second name for a file.
  virtual call_result link(int folder, const char* from, const char* to) noexcept;
  /// unlinkat(2) of a file.
  virtual call_result remove(int folder, const char* name) noexcept;
  /// fstatvfs(2) of a folder's file system, into `space`.
  virtual call_result measure(int folder, disk_space& space) noexcept;
  /// fstatat(2) without following links; value 1 if the name is the very file `fd`, else 0.
  virtual call_result is_same_file(int fd, int folder, const char* name) noexcept;

 private:
  file_rights rights_;
};

}  // namespace captured::storage
