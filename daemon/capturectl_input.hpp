// SPDX-License-Identifier: MIT
//
// A capture file as the subcommands read it: mapped where it can be, else streamed, with the
// sidecar of lpcap where there is one.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/mapping.hpp"
#include "format/capture_reader.hpp"
#include "pipeline/file_source.hpp"

namespace captured::capturectl {

class capture_input {
 public:
  /// Mapped octets can be written again without a copy; for looking at them once, reading into a
  /// small buffer, which stays in the cache, costs less than the page faults of a mapping.
  enum class access : std::uint8_t { mapped, streamed };

  /// "-" is standard input. Fails only when the file cannot be opened; what it holds is for the
  /// reader to judge.
  static base::result<std::unique_ptr<capture_input>> open(const std::string& path,
                                                           format::read_options options = {},
                                                           access how = access::mapped);

  [[nodiscard]] format::capture_reader& reader() noexcept { return *reader_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Of the file, compressed or not; 0 for a pipe.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  explicit capture_input(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::uint64_t size_ = 0;
  base::mapping mapping_;
  std::optional<pipeline::file_source> source_;
  std::optional<pipeline::file_source> sidecar_;
  std::unique_ptr<format::capture_reader> reader_;
};

}  // namespace captured::capturectl
