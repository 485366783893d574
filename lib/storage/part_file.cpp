// SPDX-License-Identifier: MIT
#include "storage/part_file.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/retried.hpp"

namespace captured::storage {

namespace {

/// Other names tried for a file whose own is taken.
constexpr int name_attempts = 1000;
constexpr std::size_t read_bytes = std::size_t{1} << 20;

}  // namespace

int rename_apart(system_calls& calls, int folder, int fd, const std::string& from,
                 const std::string& to) {
  int error = retried([&] { return calls.rename(folder, from.c_str(), to.c_str()); }).error;
  if (!is_unsupported(error)) {
    return error;
  }
  // NFS and some FUSE file systems have no RENAME_NOREPLACE. A link does not replace either, but
  // then both names stand for a moment, and for longer if removing the first one fails. So a
  // name that is in the way may be our own, from an attempt before this one.
  error = retried([&] { return calls.link(folder, from.c_str(), to.c_str()); }).error;
  if (error == EEXIST && calls.is_same_file(fd, folder, to.c_str()).value == 1) {
    error = 0;
  }
  if (error == 0) {
    error = retried([&] { return calls.remove(folder, from.c_str()); }).error;
    error = error == ENOENT ? 0 : error;
  }
  return error;
}

base::failure part_file::failed(int error, const char* act) const {
  return base::system_failure(error, std::string(act) + " " + name_);
}

base::result<part_file> part_file::open(system_calls& calls, int folder, const std::string& name) {
  base::unique_fd fd(::openat(folder, name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    return base::system_failure(errno, "open " + name);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) < 0) {
    return base::system_failure(errno, "look at " + name);
  }
  if (!S_ISREG(status.st_mode)) {
    return base::invalid_input("open " + name, "it is no regular file");
  }
  part_file opened(calls, folder, name, std::move(fd));
  opened.size_ = static_cast<std::uint64_t>(status.st_size);
  opened.changed_ = base::wall_time(std::chrono::seconds(status.st_mtim.tv_sec) +
                                    std::chrono::nanoseconds(status.st_mtim.tv_nsec));
  return opened;
}

base::result<std::size_t> part_file::read(std::span<std::byte> room, std::uint64_t offset) const {
  ssize_t count = 0;
  do {
    count = ::pread(fd_.get(), room.data(), room.size(), static_cast<off_t>(offset));
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    return failed(errno, "read");
  }
  return static_cast<std::size_t>(count);
}

base::result<std::uint64_t> part_file::used_bytes(std::uint64_t from) const {
  std::vector<std::byte> part(read_bytes);
  for (std::uint64_t end = size_; end > from;) {
    const std::uint64_t begin = end - std::min<std::uint64_t>(end - from, part.size());
    const auto room = std::span(part).first(static_cast<std::size_t>(end - begin));
    std::size_t filled = 0;
    while (filled < room.size()) {
      const auto count = read(room.subspan(filled), begin + filled);
      if (!count) {
        return count.error();
      }
      if (*count == 0) {
        break;  // it became shorter
      }
      filled += *count;
    }
    const auto last = std::find_if(room.rbegin(), room.rend(),
                                   [](std::byte octet) { return octet != std::byte{0}; });
    if (last != room.rend()) {
      return begin + static_cast<std::uint64_t>(room.rend() - last);
    }
    end = begin;
  }
  return from;
}

base::result<> part_file::close_at(std::uint64_t length, std::span<const std::byte> closing) {
  std::uint64_t at = length;
  for (auto rest = closing; !rest.empty();) {
    const auto done = retried([&] { return calls_->write(fd_.get(), rest, at); });
    if (done.error != 0 || done.value == 0) {
      return failed(done.error != 0 ? done.error : EIO, "write");
    }
    rest = rest.subspan(static_cast<std::size_t>(done.value));
    at += static_cast<std::uint64_t>(done.value);
  }
  if (const auto cut = retried([&] { return calls_->cut(fd_.get(), at); }); cut.error != 0) {
    return failed(cut.error, "cut");
  }
  size_ = at;
  // Its age is that of its packets, not of the repair.
  const auto since = changed_.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const timespec times[2] = {{0, UTIME_OMIT}, {seconds.count(), (since - seconds).count()}};
  static_cast<void>(::futimens(fd_.get(), times));
  if (const auto forced = retried([&] { return calls_->sync(fd_.get()); }); forced.error != 0) {
    return failed(forced.error, "sync");
  }
  return {};
}

base::result<> part_file::rename_to(const std::string& stem, const std::string& ending) {
  for (int attempt = 0;; ++attempt) {
    const std::string name =
        stem + (attempt == 0 ? std::string() : "+" + std::to_string(attempt)) + ending;
    const int error = rename_apart(*calls_, folder_, fd_.get(), name_, name);
    if (error == EEXIST && attempt < name_attempts) {
      continue;
    }
    if (error != 0) {
      return failed(error, "rename");
    }
    name_ = name;
    break;
  }
  const auto forced = retried([&] { return calls_->sync(folder_); });
  if (forced.error != 0 && !is_unsupported(forced.error)) {
    return failed(forced.error, "sync the folder of");
  }
  return {};
}

}  // namespace captured::storage
