// SPDX-License-Identifier: MIT
#include "storage/file_backend.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>

#include "storage/file_writer.hpp"

namespace captured::storage {

namespace {

base::result<file_backend> open_threads(base::unique_fd folder,
                                        const file_operations::completion_handler& handler,
                                        file_writer_options options,
                                        std::shared_ptr<system_calls> calls, std::string remark) {
  const bool direct = options.direct;
  auto writer =
      file_writer::start(std::move(folder), handler, std::move(calls), std::move(options));
  if (!writer) {
    return writer.error();
  }
  return file_backend{.files = std::move(*writer), .direct = direct, .remark = std::move(remark)};
}

}  // namespace

base::result<file_backend> open_file_backend(base::unique_fd folder, direct_mode mode,
                                             bool direct_possible,
                                             const file_operations::completion_handler& handler,
                                             file_writer_options options, uring_options how,
                                             std::shared_ptr<system_calls> calls) {
  options.direct = mode != direct_mode::off && direct_possible;
  if (mode == direct_mode::off) {
    return open_threads(std::move(folder), handler, std::move(options), std::move(calls), {});
  }
  if (!direct_possible) {
    if (mode == direct_mode::on) {
      return base::system_failure(EOPNOTSUPP, "direct: on: write around the page cache");
    }
    return open_threads(std::move(folder), handler, std::move(options), std::move(calls),
                        "the file system has no direct writes; they go through the page cache");
  }
  base::unique_fd folder_again(::fcntl(folder.get(), F_DUPFD_CLOEXEC, 0));
  if (!folder_again) {
    return base::system_failure(errno, "duplicate a folder");
  }
  auto writer = uring_writer::start(std::move(folder_again), handler, options, how, calls);
  if (!writer) {
    return open_threads(std::move(folder), handler, std::move(options), std::move(calls),
                        writer.error().message() + "; a thread writes instead");
  }
  polled_files* const polled = writer->get();
  return file_backend{.files = std::move(*writer), .polled = polled, .direct = true};
}

}  // namespace captured::storage
