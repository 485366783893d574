// SPDX-License-Identifier: MIT
//
// A file read from front to back, as the readers of captures want it. For regular files and pipes;
// not for the data path.
#pragma once

#include <string>

#include "base/unique_fd.hpp"
#include "format/octet_source.hpp"

namespace captured::pipeline {

class file_source final : public format::octet_source {
 public:
  /// Opens the file; "-" is standard input. Fails with the errno of open, "open PATH".
  static base::result<file_source> open(const std::string& path);

  /// The same of a descriptor that is open already; `path` is for messages.
  file_source(base::unique_fd fd, std::string path) noexcept;

  base::result<std::size_t> read(std::span<std::byte> room) override;

 private:
  base::unique_fd fd_;
  std::string path_;
};

}  // namespace captured::pipeline
