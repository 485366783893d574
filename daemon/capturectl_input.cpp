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

format::capture_format format_of(int fd) {
  std::byte begin[format::detection_bytes];
  const ssize_t count = ::pread(fd, begin, sizeof begin, 0);
  return format::detect_format(
      std::span(begin).first(static_cast<std::size_t>(std::max<ssize_t>(count, 0))));
}

}  // namespace

base::result<std::unique_ptr<capture_input>> capture_input::open(const std::string& path,
                                                                 format::read_options options,
                                                                 access how) {
  std::unique_ptr<capture_input> input(new capture_input(path));
  base::unique_fd fd(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return base::system_failure(errno, "open " + path);
  }
  if (path != "-") {
    if (auto sidecar = pipeline::file_source::open(path + ".meta"); sidecar) {
      input->sidecar_.emplace(std::move(*sidecar));
      options.lpcap_sidecar = &*input->sidecar_;
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) {
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
    const format::capture_format format = format_of(fd.get());
    if ((how == access::sums || how == access::copied) &&
        format == format::capture_format::pcapng && segment_runs::pays(input->size_)) {
      input->fd_ = std::move(fd);
      input->placed_.emplace(input->fd_.get(), path);
      input->segments_.emplace(
          input->fd_.get(), input->size_,
          how == access::sums ? segment_runs::purpose::sums : segment_runs::purpose::copies);
      input->next_segment_ = 0;
      input->reader_ =
          std::make_unique<format::capture_reader>(*input->placed_, std::move(options));
      return input;
    }
    // The times of lpcap without its sidecar are found from its end.
    if (how != access::mapped && ahead_source::pays(input->size_) &&
        format != format::capture_format::lpcap) {
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
  input->source_.emplace(std::move(fd), path);  // opened once: a pipe does not give it again
  input->reader_ = std::make_unique<format::capture_reader>(*input->source_, std::move(options));
  return input;
}

capture_input::run capture_input::next_run(capture_output* output) {
  run found;
  if (const format::packet_run* const plain = reader_->run();
      plain != nullptr && reader_->octets_read() >= next_segment_) {
    const std::uint32_t section = reader_->section().index;
    const std::size_t interfaces = reader_->interfaces().size();
    if (section != learnt_section_ || interfaces != learnt_interfaces_) {
      segments_->learn(*plain, section != learnt_section_);
      learnt_section_ = section;
      learnt_interfaces_ = interfaces;
    }
    const std::uint64_t offset = reader_->octets_read();
    const auto place = output != nullptr ? output->place() : std::nullopt;
    auto part = segments_->take(offset, place);
    next_segment_ = part.next_offset;
    reader_->skip_run(part.octets);
    found = {
        .totals = std::move(part.totals), .octets = {}, .copied = part.copied ? part.octets : 0};
  }
  if (found.totals.packets == 0) {
    found.octets = reader_->next_run(found.totals, next_segment_);
  }
  return found;
}

bool is_stream(const std::string& path) {
  struct stat status {};
  return path == "-" || (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) &&
                         !S_ISDIR(status.st_mode));
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
