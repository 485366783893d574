// SPDX-License-Identifier: MIT
//
// What can be chosen for the files of one output. Defaults are those of the shipped configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "storage/rotation.hpp"

namespace captured::storage {

/// When data is forced to the device. Forcing costs throughput; a power cut takes what was not.
enum class sync_policy : std::uint8_t {
  close,     ///< when a file is whole, before it gets its final name
  none,      ///< never: the kernel writes it in its own time
  interval,  ///< as `close`, and the open file after each interval
};

struct sync_options {
  sync_policy policy = sync_policy::close;
  std::chrono::milliseconds interval{0};  ///< above 0 when the policy is `interval`, else 0

  friend bool operator==(const sync_options&, const sync_options&) = default;
};

/// Writing around the page cache (O_DIRECT).
enum class direct_mode : std::uint8_t {
  automatic,  ///< where the file system has it
  on,         ///< an output whose file system lacks it cannot be opened
  off,
};

/// What is kept of the finished files of an output; 0 switches a limit off. The oldest files go
/// first, never the open file, never a pinned one.
struct retain_options {
  std::uint64_t size_bytes = std::uint64_t{100} << 30;  ///< all finished files together
  std::uint64_t free_bytes = 0;    ///< space to be left free in the file system
  std::uint32_t free_percent = 5;  ///< the same as a share of its size, 0 to 99
  std::chrono::seconds age{0};     ///< files whose last change is longer ago are removed
  std::uint64_t files = 0;         ///< number of finished files

  friend bool operator==(const retain_options&, const retain_options&) = default;
};

/// An output's folders: the first, and the one for while that is in trouble.
inline constexpr std::uint32_t places_max = 2;

struct output_options {
  std::string name = "main";  ///< unique; stands in file names, figures and log lines
  std::string directory = "/var/lib/captured";
  std::string file_name = "%Y%m%dT%H%M%SZ-{output}-{sequence}";  ///< see file_name.hpp
  rotation_options rotate;
  retain_options retain;
  sync_options sync;
  direct_mode direct = direct_mode::automatic;
  /// Where files go while `directory` is in trouble; empty for none.
  std::string fallback = {};
  bool require_mount = false;  ///< refuse a directory on the root file system
  bool preallocate = true;     ///< reserve `rotate.size_bytes` when a file is made
  std::uint32_t mode = 0640;   ///< of the files; folders may be searched by who may read
  std::string group = {};      ///< that files and folders are given to; empty: the process's own

  friend bool operator==(const output_options&, const output_options&) = default;
};

}  // namespace captured::storage
