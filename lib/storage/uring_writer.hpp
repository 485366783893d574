// SPDX-License-Identifier: MIT
//
// The files of one output, written around the page cache with several writes under way at a time
// and no thread for them: writes go through io_uring, all other acts, and writes that are not
// aligned, through the threads of a file_writer. Not for file systems without O_DIRECT.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/unique_fd.hpp"
#include "storage/file_writer.hpp"
#include "storage/polled_files.hpp"
#include "storage/write_pacing.hpp"

struct io_uring;

namespace captured::storage {

/// Address, offset and length of direct writes are multiples of it; larger than any device wants.
inline constexpr std::size_t direct_alignment = 4096;

/// Can files in this folder be written directly? Makes and removes a file without a name.
[[nodiscard]] bool has_direct_writes(int folder) noexcept;

struct uring_options {
  /// All members but `start`, `abandon` and the destructor, and `add_memory` before the first
  /// `flush`, are called by one and the same thread.
  /// The kernel then leaves that thread alone until it asks (IORING_SETUP_DEFER_TASKRUN, Linux
  /// 6.1): one wake-up less for each write.
  bool one_thread = false;
};

/// The kernel's ring is restricted to writes, so that nothing else can be done through it even by
/// one who has taken over the process. Completions of writes come from within `reap`, all others
/// as those of file_writer do.
class uring_writer final : public polled_files {
 public:
  /// As file_writer::start; `options.direct` is set. Fails also with ENOSYS or EPERM where the
  /// system has no io_uring or does not allow it: file_writer is the one to use then.
  static base::result<std::unique_ptr<uring_writer>> start(
      base::unique_fd folder, completion_handler handler, file_writer_options options,
      uring_options how = {},
      std::shared_ptr<system_calls> calls = std::make_shared<system_calls>());

  /// As `abandon` with one second of grace.
  ~uring_writer() override;

  void submit(file_request request) override;

  /// At most one system call for all that waits.
  void flush() noexcept override;
  /// At most one system call, and none when nothing has completed.
  void reap() override;
  [[nodiscard]] bool is_busy() const noexcept override {
    return free_.size() < writes_.size() || !held_back_.empty();
  }
  [[nodiscard]] bool is_holding_back() const noexcept override { return pacing_.waiting() > 0; }
  [[nodiscard]] int event_fd() const noexcept override { return event_.get(); }
  void want_notices(bool wanted) noexcept override;

  base::error_code add_memory(std::span<std::byte> memory) override;
  void remove_memory(std::span<std::byte> memory) override;

  /// As file_writer::abandon. With `one_thread`, writes that are under way yet are not waited for
  /// by another thread than that one.
  bool abandon(std::chrono::milliseconds grace);

 private:
  struct ring_deleter {
    void operator()(io_uring* ring) const noexcept;
  };
  /// A write that the kernel is at, or is going to be.
  struct write_under_way {
    file_request request;
    std::uint64_t number = 0;  ///< in the order of submission; 0 when there is none here
    bool from_known_memory = false;
  };

  /// How long an open file is made ahead of what is written into it. The kernel waits for a direct
  /// write that makes a file longer, which takes a thread of it and two switches for each; below
  /// the length writes just go on. On a slow link that costs nothing worth mentioning, and the file
  /// stays as long as its contents.
  struct length_ahead {
    std::uint64_t length = 0;            ///< asked for
    std::uint64_t limit = 0;             ///< expected length of the whole file; 0 when not known
    std::atomic<bool> under_way{false};  ///< cleared by the lane's thread
  };

  uring_writer() = default;
  base::error_code open_ring(uring_options how);
  base::error_code enable_ring() noexcept;
  [[nodiscard]] bool can_write_directly(const file_request& request) const noexcept;
  void begin_writes(base::steady_time now) noexcept;
  void begin_write(std::uint32_t index) noexcept;
  void note_rate(std::size_t octets, base::steady_time now) noexcept;
  void grow_ahead(std::uint32_t slot, std::uint64_t end);
  void on_result(std::uint32_t index, int result);
  [[nodiscard]] int find_memory(std::span<const std::byte> octets) const noexcept;

  std::unique_ptr<file_writer> lane_;  ///< for all that is not a direct write
  completion_handler handler_;
  std::unique_ptr<io_uring, ring_deleter> ring_;
  base::unique_fd event_;
  bool is_enabled_ = false;  ///< by the thread that will use it
  std::vector<write_under_way> writes_;
  std::vector<std::uint32_t> free_;
  write_pacing pacing_{requests_in_flight_max};
  std::array<length_ahead, open_files_max> ahead_;
  /// A request that has to wait for others of its file.
  struct waiting_request {
    file_request what;
    std::uint64_t after = 0;  ///< writes up to this number
  };
  [[nodiscard]] bool must_wait(const waiting_request& one) const noexcept;

  std::vector<waiting_request> held_back_;
  std::uint64_t newest_write_ = 0;
  std::chrono::steady_clock::time_point window_begun_;
  std::uint64_t window_octets_ = 0;
  bool is_fast_ = false;  ///< in the window before, or already in this one
  std::array<std::span<std::byte>, 64> memory_{};
};

}  // namespace captured::storage
