// SPDX-License-Identifier: MIT
//
// The files of one output, written around the page cache with several writes under way at a time
// and no thread for them: writes go through io_uring, all other acts, and writes that are not
// aligned, through the threads of a file_writer. Not for file systems without O_DIRECT.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/unique_fd.hpp"
#include "storage/file_writer.hpp"

struct io_uring;

namespace captured::storage {

/// Address, offset and length of direct writes are multiples of it; larger than any device wants.
inline constexpr std::size_t direct_alignment = 4096;

/// Can files in this folder be written directly? Makes and removes a file without a name.
[[nodiscard]] bool has_direct_writes(int folder) noexcept;

/// The kernel's ring is restricted to writes, so that nothing else can be done through it even by
/// one who has taken over the process. `submit`, `reap`, `add_memory` and `remove_memory` are
/// called by one thread at a time. Completions of writes come from within `reap`, all others as
/// those of file_writer do.
class uring_writer final : public file_operations {
 public:
  /// As file_writer::start; `options.direct` is set. Fails also with ENOSYS or EPERM where the
  /// system has no io_uring or does not allow it: file_writer is the one to use then.
  static base::result<std::unique_ptr<uring_writer>> start(
      base::unique_fd folder, completion_handler handler, file_writer_options options,
      std::shared_ptr<system_calls> calls = std::make_shared<system_calls>());

  /// As `abandon` with one second of grace.
  ~uring_writer() override;

  void submit(file_request request) override;

  /// Readable when `reap` has something to do; an eventfd in non-blocking mode, which `reap` reads.
  [[nodiscard]] int event_fd() const noexcept { return event_.get(); }
  /// Gives the completions of writes that have ended to the handler. No system call but one read
  /// of the event, when `woken_by_event`.
  void reap(bool woken_by_event);

  /// Writes from this memory are cheaper from now on: the kernel keeps hold of its pages. ENOMEM
  /// where the limit of locked memory does not allow it, ENOSPC when there are too many already;
  /// writes from it go on as before then.
  base::error_code add_memory(std::span<std::byte> memory);
  /// Before memory that was added is unmapped; none of its writes may be under way.
  void remove_memory(std::span<std::byte> memory);

  /// As file_writer::abandon.
  bool abandon(std::chrono::milliseconds grace);

 private:
  struct ring_deleter {
    void operator()(io_uring* ring) const noexcept;
  };
  /// A write that the kernel is at.
  struct write_under_way {
    file_request request;
    bool from_known_memory = false;
  };

  uring_writer() = default;
  base::error_code open_ring();
  [[nodiscard]] bool can_write_directly(const file_request& request) const noexcept;
  void start_write(std::uint32_t index);
  void on_result(std::uint32_t index, int result);
  [[nodiscard]] int find_memory(std::span<const std::byte> octets) const noexcept;

  std::unique_ptr<file_writer> lane_;  ///< for all that is not a direct write
  completion_handler handler_;
  std::unique_ptr<io_uring, ring_deleter> ring_;
  base::unique_fd event_;
  std::vector<write_under_way> writes_;
  std::vector<std::uint32_t> free_;
  std::array<std::span<std::byte>, 64> memory_{};
};

}  // namespace captured::storage
