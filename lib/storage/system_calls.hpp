// SPDX-License-Identifier: MIT
//
// The system calls by which files of an output are made, written and looked at: a seam, so that
// tests can let each of them fail or hang, or put a whole disk of their own in its place. It
// decides nothing and retries nothing; open_file does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "storage/disk_space.hpp"
#include "storage/file_rights.hpp"

namespace captured::storage {

/// What a call gave: the number it returned and 0, or the errno value it failed with.
struct call_result {
  std::int64_t value = 0;
  int error = 0;
};

enum class file_access : std::uint8_t { read, read_and_write };

/// What is known of a file without reading it.
struct file_facts {
  std::uint64_t size_bytes = 0;
  std::uint64_t allocated_bytes = 0;  ///< what it takes of the disk
  base::wall_time changed{};          ///< last change of its octets
  bool is_regular = false;
  std::uint64_t inode = 0;  ///< which file of its file system
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

  /// openat(2) of a file that is there, with O_NOFOLLOW|O_CLOEXEC, and non-blocking, so that a pipe
  /// does not make us wait; value: descriptor.
  virtual call_result open(int folder, const char* name, file_access access) noexcept;
  /// pread(2); value: octets read.
  virtual call_result read(int fd, std::span<std::byte> room, std::uint64_t offset) noexcept;
  /// fstatat(2) without following links.
  virtual call_result look_at(int folder, const char* name, file_facts& facts) noexcept;
  /// fstat(2).
  virtual call_result look_at(int fd, file_facts& facts) noexcept;
  /// futimens(2): when its octets were last changed.
  virtual call_result set_changed(int fd, base::wall_time when) noexcept;
  /// readdir(3): all names in the folder, in no order.
  virtual call_result list(int folder, std::vector<std::string>& names) noexcept;

 private:
  file_rights rights_;
};

}  // namespace captured::storage
