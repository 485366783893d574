// SPDX-License-Identifier: MIT
//
// The seam between an output and its disk. An output asks for an act and is told later how it
// went; nothing here blocks the asker. file_writer does it with threads and system calls, tests
// with memory and faults, io_uring can do it without touching rotation or reactor.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "storage/disk_space.hpp"

namespace captured::storage {

/// Files of one output that may be open at a time: the current one, the next one, and some that
/// are being closed while the disk is slow.
inline constexpr std::uint32_t open_files_max = 8;

/// Requests of one output that may be under way at a time; an asker that needs more waits. Enough
/// for writes of 1 MiB to keep any disk busy, and for one other act on each open file.
inline constexpr std::size_t requests_in_flight_max = 256;

enum class file_action : std::uint8_t {
  create,   ///< make a new file `name` (never an existing one, no symbolic link), reserve
            ///< `bytes_expected`
  publish,  ///< rename the open file to `name`; fails with EEXIST rather than replace
  write,    ///< `octets` at `offset`; may write fewer
  grow,     ///< make the open file `offset` octets long, with room reserved: a wish
  sync,     ///< force what was written to the device
  finish,   ///< cut to `offset` octets, sync if asked, rename to `name`, sync the folder, close
  discard,  ///< remove the file and close it; it is closed even if removing fails
  leave,    ///< close the file as it is, for one that cannot be finished; never fails
  remove,   ///< remove the finished file `name` unless it may not be removed; uses no slot
  measure,  ///< ask for the space of the file system; uses no slot
};

[[nodiscard]] constexpr bool uses_slot(file_action action) noexcept {
  return action != file_action::remove && action != file_action::measure;
}

/// Why `remove` left a file: somebody has pinned it; it is not a finished file of this output;
/// there is space enough without it.
inline constexpr int pinned_error = EBUSY;
inline constexpr int not_ours_error = EXDEV;
inline constexpr int not_needed_error = ECANCELED;

/// What is asked. Requests of one slot may be under way at the same time when they are writes, a
/// growth and one sync, which then covers the writes that were asked for before it; the asker waits
/// for the completion of all others before it asks for the next on that slot.
struct file_request {
  file_action action = file_action::write;
  std::uint32_t slot = 0;    ///< which open file, below open_files_max; chosen by the asker
  std::uint32_t place = 0;   ///< create, remove, measure: which of the output's folders
  std::uint64_t token = 0;   ///< handed back in the completion; tells writes under way apart
  std::uint64_t offset = 0;  ///< write: where; finish: exact length of the file
  std::span<const std::byte> octets = {};  ///< write: stay valid and unchanged until the completion
  /// write: what comes before `octets`, into the file's sidecar at `aside_offset`; as `octets`.
  /// None where files have no sidecars.
  std::span<const std::byte> aside = {};
  std::uint64_t aside_offset = 0;
  std::uint64_t bytes_expected =
      0;                         ///< create: octets to preallocate where there is room, 0 for none
  bool force_to_device = false;  ///< finish: fsync file and folder
  std::uint64_t keep_if_available = 0;  ///< remove: not if so many octets are free; 0 for always
  std::string name = {};  ///< create, publish, finish, remove: file name within the output's folder
};

struct file_completion {
  file_action action = file_action::write;
  std::uint32_t slot = 0;
  std::uint32_t place = 0;
  std::uint64_t token = 0;
  base::error_code error = {};  ///< success, or the errno of the call that failed
  /// sync, finish: what failed was to force the octets to the device. That is never made good: the
  /// kernel has forgotten them, and `finish` goes on only without forcing.
  bool was_forcing = false;
  std::size_t octets_written = 0;  ///< write: may be short without an error
  disk_space space = {};           ///< measure, and remove after it
  std::uint64_t freed_bytes = 0;   ///< remove: by how much that made the free space grow at once
};

/// Takes requests from one thread at a time. Completions come through the handler given to the
/// implementation's constructor, from any thread, one at a time or several at once.
class file_operations {
 public:
  using completion_handler = std::function<void(const file_completion&)>;

  virtual ~file_operations() = default;

  /// Starts the act; returns at once. After a failed `finish` the same request may be made again:
  /// steps that were already done are not done twice.
  virtual void submit(file_request request) = 0;

  /// Many writes will come from this memory: an implementation may have the system keep hold of its
  /// pages, which makes them cheaper. On the thread that calls `submit`. Fails with ENOMEM where
  /// the limit of locked memory does not allow it, ENOSPC when there is too much already; writes
  /// from it work all the same.
  virtual base::error_code add_memory(std::span<std::byte> /*memory*/) { return {}; }
  /// Before memory that was added goes away; none of its writes may be under way.
  virtual void remove_memory(std::span<std::byte> /*memory*/) {}
};

}  // namespace captured::storage
