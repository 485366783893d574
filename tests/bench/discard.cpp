// SPDX-License-Identifier: MIT
//
// Preloaded into a recorder, lets what is written into the files that it creates vanish, so that
// no disk is measured: each gets its name and its descriptor is one of /dev/null. All else, system
// calls included, stays as it is. Only files with the names of captures that are not finished. Not
// for programs that can be told to write to /dev/null.
#include <array>
#include <atomic>
#include <cstdarg>
#include <string_view>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

constexpr int descriptors_max = 1024;

/// The real file behind a descriptor that discards, plus one; 0 for all other descriptors.
std::array<std::atomic<int>, descriptors_max> real_files;

int null_device() {
  static const int fd = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  return fd;
}

/// Before the recorder locks itself in.
[[gnu::constructor]] void open_early() {
  null_device();
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

int real_of(int fd) {
  return fd >= 0 && fd < descriptors_max ? real_files[static_cast<std::size_t>(fd)] - 1 : -1;
}

/// A file of an output begins under a name of the second kind.
bool is_part(std::string_view name) {
  return name.ends_with(".part") || name.ends_with(".next");
}

}  // namespace

extern "C" {

int openat(int folder, const char* name, int flags, ...) {
  std::va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  const int real = next<int (*)(int, const char*, int, ...)>("openat")(folder, name, flags, mode);
  if (real < 0 || (flags & O_CREAT) == 0 || !is_part(name)) {
    return real;
  }
  const int discarding = ::fcntl(null_device(), F_DUPFD_CLOEXEC, 0);
  if (discarding >= 0 && discarding < descriptors_max) {
    real_files[static_cast<std::size_t>(discarding)] = real + 1;
    return discarding;
  }
  return real;
}

int fstat(int fd, struct stat* status) noexcept {
  const int real = real_of(fd);
  return next<int (*)(int, struct stat*)>("fstat")(real < 0 ? fd : real, status);
}

int fallocate(int fd, int mode, off_t offset, off_t length) {
  return real_of(fd) >= 0
             ? 0
             : next<int (*)(int, int, off_t, off_t)>("fallocate")(fd, mode, offset, length);
}

int ftruncate(int fd, off_t length) noexcept {
  return real_of(fd) >= 0 ? 0 : next<int (*)(int, off_t)>("ftruncate")(fd, length);
}

int fsync(int fd) {
  return real_of(fd) >= 0 ? 0 : next<int (*)(int)>("fsync")(fd);
}

int fdatasync(int fd) {
  return real_of(fd) >= 0 ? 0 : next<int (*)(int)>("fdatasync")(fd);
}

int fcntl(int fd, int command, ...) {
  std::va_list rest;
  va_start(rest, command);
  const long argument = va_arg(rest, long);
  va_end(rest);
  // The device knows no O_DIRECT, and nothing of it is needed.
  return command == F_SETFL && real_of(fd) >= 0
             ? 0
             : next<int (*)(int, int, ...)>("fcntl")(fd, command, argument);
}

int close(int fd) {
  const int real = real_of(fd);
  if (real >= 0) {
    real_files[static_cast<std::size_t>(fd)] = 0;
    next<int (*)(int)>("close")(real);
  }
  return next<int (*)(int)>("close")(fd);
}
}
