// SPDX-License-Identifier: MIT
#include "storage/system_calls.hpp"

#include <cerrno>
#include <cstdio>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/unique_fd.hpp"

namespace captured::storage {

namespace {

call_result from_return(std::int64_t value) noexcept {
  return value < 0 ? call_result{0, errno} : call_result{value, 0};
}

file_facts facts_of(const struct stat& status) noexcept {
  return {.size_bytes = static_cast<std::uint64_t>(status.st_size),
          .allocated_bytes = static_cast<std::uint64_t>(status.st_blocks) * 512,
          .changed = base::wall_time(std::chrono::seconds(status.st_mtim.tv_sec) +
                                     std::chrono::nanoseconds(status.st_mtim.tv_nsec)),
          .is_regular = S_ISREG(status.st_mode),
          .inode = status.st_ino};
}

}  // namespace

call_result system_calls::create(int folder, const char* name) noexcept {
  const int fd =
      ::openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, rights_.mode);
  if (fd < 0) {
    return {.value = 0, .error = errno};
  }
  if (const int error = apply_rights(fd, rights_, rights_.mode); error != 0) {
    ::unlinkat(folder, name, 0);
    ::close(fd);
    return {.value = 0, .error = error};
  }
  return {.value = fd, .error = 0};
}

call_result system_calls::allocate(int fd, std::uint64_t bytes, bool keep_size) noexcept {
  // On tmpfs to reserve is to take and clear the memory at once, which costs more than it saves.
  struct statfs where {};
  if (::fstatfs(fd, &where) == 0 && where.f_type == TMPFS_MAGIC) {
    return {.value = 0, .error = EOPNOTSUPP};
  }
  return from_return(
      ::fallocate(fd, keep_size ? FALLOC_FL_KEEP_SIZE : 0, 0, static_cast<off_t>(bytes)));
}

call_result system_calls::set_direct(int fd, bool direct) noexcept {
  const int before = ::fcntl(fd, F_GETFL);
  const int after = direct ? before | O_DIRECT : before & ~O_DIRECT;
  if (before < 0 || ::fcntl(fd, F_SETFL, after) < 0) {
    return {0, errno};
  }
  return {(before & O_DIRECT) != 0 ? 1 : 0, 0};
}

call_result system_calls::write(int fd, std::span<const std::byte> octets,
                                std::uint64_t offset) noexcept {
  return from_return(::pwrite(fd, octets.data(), octets.size(), static_cast<off_t>(offset)));
}

call_result system_calls::cut(int fd, std::uint64_t bytes) noexcept {
  return from_return(::ftruncate(fd, static_cast<off_t>(bytes)));
}

call_result system_calls::sync_data(int fd) noexcept {
  return from_return(::fdatasync(fd));
}

call_result system_calls::sync(int fd) noexcept {
  return from_return(::fsync(fd));
}

call_result system_calls::rename(int folder, const char* from, const char* to) noexcept {
  return from_return(::renameat2(folder, from, folder, to, RENAME_NOREPLACE));
}

call_result system_calls::link(int folder, const char* from, const char* to) noexcept {
  return from_return(::linkat(folder, from, folder, to, 0));
}

call_result system_calls::remove(int folder, const char* name) noexcept {
  return from_return(::unlinkat(folder, name, 0));
}

call_result system_calls::measure(int folder, disk_space& space) noexcept {
  struct statvfs status {};
  const call_result done = from_return(::fstatvfs(folder, &status));
  if (done.error == 0) {
    space = {std::uint64_t{status.f_blocks} * status.f_frsize,
             std::uint64_t{status.f_bavail} * status.f_frsize};
  }
  return done;
}

call_result system_calls::is_same_file(int fd, int folder, const char* name) noexcept {
  struct stat open_file {};
  struct stat named {};
  if (::fstat(fd, &open_file) < 0 || ::fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) < 0) {
    return {0, errno};
  }
  return {open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino ? 1 : 0, 0};
}

call_result system_calls::open(int folder, const char* name, file_access access) noexcept {
  const int mode = access == file_access::read ? O_RDONLY : O_RDWR;
  return from_return(::openat(folder, name, mode | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

call_result system_calls::read(int fd, std::span<std::byte> room, std::uint64_t offset) noexcept {
  return from_return(::pread(fd, room.data(), room.size(), static_cast<off_t>(offset)));
}

call_result system_calls::look_at(int folder, const char* name, file_facts& facts) noexcept {
  struct stat status {};
  const call_result done = from_return(::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW));
  facts = facts_of(status);
  return done;
}

call_result system_calls::look_at(int fd, file_facts& facts) noexcept {
  struct stat status {};
  const call_result done = from_return(::fstat(fd, &status));
  facts = facts_of(status);
  return done;
}

call_result system_calls::set_changed(int fd, base::wall_time when) noexcept {
  const auto since = when.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const timespec times[2] = {{0, UTIME_OMIT}, {seconds.count(), (since - seconds).count()}};
  return from_return(::futimens(fd, times));
}

call_result system_calls::list(int folder, std::vector<std::string>& names) noexcept {
  // Opened anew, since the position of a listing belongs to the open file.
  base::unique_fd listing(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!listing) {
    return {0, errno};
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(listing.get()), &::closedir);
  if (!stream) {
    return {0, errno};
  }
  static_cast<void>(listing.release());  // the stream closes it
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(stream.get());
    if (entry == nullptr) {
      return {0, errno};
    }
    names.emplace_back(static_cast<const char*>(entry->d_name));
  }
}

}  // namespace captured::storage
