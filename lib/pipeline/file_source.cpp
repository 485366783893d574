// SPDX-License-Identifier: MIT
#include "pipeline/file_source.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace captured::pipeline {

file_source::file_source(base::unique_fd fd, std::string path) noexcept
    : fd_(std::move(fd)), path_(std::move(path)) {}

base::result<file_source> file_source::open(const std::string& path) {
  base::unique_fd fd(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return base::system_failure(errno, "open " + path);
  }
  return file_source(std::move(fd), path);
}

base::result<std::size_t> file_source::read(std::span<std::byte> room) {
  ssize_t count = 0;
  do {
    count = ::read(fd_.get(), room.data(), room.size());
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    return base::system_failure(errno, "read " + path_);
  }
  return static_cast<std::size_t>(count);
}

}  // namespace captured::pipeline
