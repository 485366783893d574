// SPDX-License-Identifier: MIT
//
// Which implementation of file_operations an output gets on this system: the best that kernel, file
// system and configuration allow, and a word about it when that is not the best there is.
#pragma once

#include <memory>
#include <string>

#include "base/unique_fd.hpp"
#include "storage/file_operations.hpp"
#include "storage/file_writer.hpp"
#include "storage/options.hpp"
#include "storage/uring_writer.hpp"

namespace captured::storage {

struct file_backend {
  std::unique_ptr<file_operations> files;
  polled_files* polled = nullptr;  ///< `files`, when they must be asked
  bool direct = false;             ///< writes of whole pages go around the page cache
  std::string remark;  ///< why it is not the fastest way; empty when it is, or was asked for
};

/// As file_writer::start. `direct_possible` is what has_direct_writes said of the folder, which may
/// take as long as a disk does; this does not. `options.direct` is decided here. Fails with
/// direct_mode::on where it is false.
[[nodiscard]] base::result<file_backend> open_file_backend(
    base::unique_fd folder, direct_mode mode, bool direct_possible,
    const file_operations::completion_handler& handler, file_writer_options options = {},
    uring_options how = {}, std::shared_ptr<system_calls> calls = std::make_shared<system_calls>());

}  // namespace captured::storage
