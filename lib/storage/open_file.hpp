// SPDX-License-Identifier: MIT
//
// One open file of an output and the acts of file_operations on it, with their order, retries and
// fallbacks. Blocks as long as the disk does; not for the thread that serves packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "storage/system_calls.hpp"

namespace captured::storage {

/// Each function is called by one thread at a time, and only `write` and `sync` while `is_open`.
/// Errors are errno values in the system category. `folder` is always the same directory.
class open_file {
 public:
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }

  /// Makes the file and reserves `bytes_expected` octets. That is a wish: a file system that cannot
  /// reserve or has less room is no error, for what room there is can still be written.
  base::error_code create(system_calls& calls, int folder, const std::string& name,
                          std::uint64_t bytes_expected);
  /// Writes go around the page cache from now on, where the file system can do that.
  void write_directly(system_calls& calls) noexcept { calls.set_direct(fd(), true); }
  /// Renames without replacing. May be repeated after a failure.
  base::error_code publish(system_calls& calls, int folder, const std::string& name);

  struct written {
    std::size_t octets = 0;
    base::error_code error;
  };
  /// One write, which may be short. One that takes nothing and gives no reason is EIO, so that
  /// nobody asks for ever. One that is not aligned as direct writes must be makes the file one
  /// that is written through the page cache again.
  static written write(system_calls& calls, int fd, std::span<const std::byte> octets,
                       std::uint64_t offset);
  /// Makes the file that long and reserves what is missing; zeros stand there until it is written.
  static base::error_code grow(system_calls& calls, int fd, std::uint64_t bytes);
  /// Forces what was written to the device.
  static base::error_code sync(system_calls& calls, int fd);

  struct ending {
    std::uint64_t bytes = 0;
    bool force_to_device = false;
  };
  /// Cuts, forces to the device, renames, forces the folder, closes. May be repeated after a
  /// failure and goes on with the step that failed; but when forcing the octets to the device has
  /// failed, here or in `sync`, it fails with EIO for as long as that is asked for: Linux reports a
  /// failed fsync once, and a repeated one that succeeds does not prove that they got there.
  base::error_code finish(system_calls& calls, int folder, const std::string& name, ending);
  /// Removes and closes the file. It is closed even if removing failed.
  base::error_code discard(system_calls& calls, int folder);
  /// Closes the file as it is.
  void leave() noexcept { fd_.reset(); }

  /// Forcing the octets to the device has failed; `sync` is told of by its caller.
  [[nodiscard]] bool is_unproven() const noexcept { return is_unproven_; }
  void set_unproven() noexcept { is_unproven_ = true; }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// Its present name.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  enum class finish_step : std::uint8_t { begun, cut, forced, renamed };

  base::error_code rename_to(system_calls& calls, int folder, const std::string& name);

  base::unique_fd fd_;
  std::string name_;
  finish_step done_ = finish_step::begun;
  bool is_unproven_ = false;
};

}  // namespace captured::storage
