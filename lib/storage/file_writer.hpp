// SPDX-License-Identifier: MIT
//
// The files of one output on a real disk, with three threads of its own: one carries out what data
// needs (write, sync), one closes files (finish), one does the rest (create, publish, discard,
// leave, remove, measure). So a file being closed on a slow disk holds up neither what is written
// into the next one nor the one after that. No Asio, no clock.
#pragma once

#include <chrono>
#include <memory>
#include <thread>

#include "base/unique_fd.hpp"
#include "storage/file_operations.hpp"
#include "storage/system_calls.hpp"

namespace captured::storage {

struct file_writer_options {
  bool direct = false;  ///< write around the page cache (O_DIRECT) where that can be done
  /// Each file has a sidecar (paired_file.hpp), which is made, named and removed with it.
  bool with_sidecars = false;
  /// Says whether a finished file may be removed to make room (output_directory::check_removable);
  /// without it none is. Called on the slow thread, which owns a copy.
  std::function<base::error_code(const std::string& name)> may_remove = {};
};

/// Completions come from these threads, never two at once; the handler should only pass them on,
/// and must not call `abandon` or destroy the writer.
///
/// A system call on a dead disk can hang for ever, and nothing can end it. What such a call still
/// touches (folder, descriptors, queues) is owned jointly by its thread and this object, so the
/// object can go. The one exception is the memory of `octets`: see `abandon`.
class file_writer final : public file_operations {
 public:
  /// `folder` is the open directory of the output (output_directory::duplicate). `calls` is for
  /// tests. Fails with EAGAIN when the system gives no more threads.
  static base::result<std::unique_ptr<file_writer>> start(
      base::unique_fd folder, completion_handler handler,
      std::shared_ptr<system_calls> calls = std::make_shared<system_calls>(),
      file_writer_options options = {});

  /// As `abandon` with one second of grace.
  ~file_writer() override;

  void submit(file_request request) override;

  /// The open file of a slot, for another way of writing into it. To be used only between the
  /// completion of its `create` and the request that closes it.
  [[nodiscard]] int descriptor(std::uint32_t slot) const noexcept;

  /// Gives up what is under way: afterwards no completion comes any more, nothing that was only
  /// asked for is begun, and `submit` must not be called. Files still open are closed as they are.
  /// Returns true when all threads have ended. False means that a system call was still under way
  /// after `grace`: its thread is left to itself, and the memory of the writes that were asked for
  /// must stay allocated and unchanged until the process ends.
  bool abandon(std::chrono::milliseconds grace);

 private:
  struct shared_state;

  explicit file_writer(std::shared_ptr<shared_state> state);

  std::shared_ptr<shared_state> state_;  // also owned by the threads, which may outlive this
  std::jthread data_thread_;
  std::jthread slow_thread_;
  std::jthread close_thread_;
};

}  // namespace captured::storage
