// SPDX-License-Identifier: MIT
#include "capturectl_input.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace captured::capturectl {
namespace {

constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;

/// A file that is being written may become shorter, and with it the mapping.
bool may_be_mapped(const std::string& path, const struct stat& status) {
  return S_ISREG(status.st_mode) && status.st_size > 0 && !path.ends_with(".part");
}

/// The times of lpcap without its sidecar are found from its end.
bool is_lpcap(int fd) {
  std::byte begin[format::detection_bytes];
  const ssize_t count = ::pread(fd, begin, sizeof begin, 0);
  return count > 0 &&
         format::detect_format(std::span(begin).first(static_cast<std::size_t>(count))) ==
             format::capture_format::lpcap;
}

}  // namespace

base::result<std::unique_ptr<capture_input>> capture_input::open(const std::string& path,
                                                                 format::read_options options,
                                                                 access how) {
  std::unique_ptr<capture_input> input(new capture_input(path));
  if (path != "-") {
    if (auto sidecar = pipeline::file_source::open(path + ".meta"); sidecar) {
      input->sidecar_.emplace(std::move(*sidecar));
      options.lpcap_sidecar = &*input->sidecar_;
    }
    base::unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) {
      return base::system_failure(errno, "open " + path);
    }
    if (S_ISDIR(status.st_mode)) {
      return base::system_failure(EISDIR, "open " + path);
    }
    if (!options.lpcap_first && !options.lpcap_last_bound) {
      options.lpcap_last_bound =
          format::time_ns{status.st_mtim.tv_sec} * nanoseconds_per_second + status.st_mtim.tv_nsec;
    }
    if (S_ISREG(status.st_mode)) {
      input->size_ = static_cast<std::uint64_t>(status.st_size);
    }
    if (how == access::streamed && ahead_source::pays(input->size_) && !is_lpcap(fd.get())) {
      input->ahead_.emplace(std::move(fd), path);
      input->reader_ = std::make_unique<format::capture_reader>(*input->ahead_, std::move(options));
      return input;
    }
    if (may_be_mapped(path, status)) {
      auto mapped = base::mapping::readable(fd.get(), input->size_);
      if (mapped) {
        input->mapping_ = std::move(*mapped);
        const auto octets = input->mapping_.bytes();
        ::madvise(octets.data(), octets.size(), MADV_SEQUENTIAL);
        if (page_runner::pays(octets.size())) {
          input->runner_.emplace(octets);
        }
        input->reader_ = std::make_unique<format::capture_reader>(
            std::span<const std::byte>(octets), std::move(options));
        return input;
      }
    }
  }
  auto source = pipeline::file_source::open(path);
  if (!source) {
    return source.error();
  }
  input->source_.emplace(std::move(*source));
  input->reader_ = std::make_unique<format::capture_reader>(*input->source_, std::move(options));
  return input;
}

std::uint64_t total_size(const std::vector<std::string>& paths) {
  std::uint64_t total = 0;
  for (const std::string& path : paths) {
    struct stat status {};
    if (path == "-" || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
      return 0;
    }
    total += static_cast<std::uint64_t>(status.st_size);
  }
  return total;
}

}  // namespace captured::capturectl
