// SPDX-License-Identifier: MIT
//
// When does a file end? A plain function of figures and time: no clock, no file.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace captured::storage {

/// Limits of one file; 0 switches a limit off. Any limit that is reached ends the file.
struct rotation_options {
  std::uint64_t size_bytes = std::uint64_t{1} << 30;
  std::chrono::seconds interval{300};  ///< aligned to the wall clock, independent of traffic
  std::uint64_t packets = 0;
  bool skip_empty = false;  ///< the interval leaves a file open that holds no packet yet

  friend bool operator==(const rotation_options&, const rotation_options&) = default;
};

/// Why a file ends. When several limits are reached at once, the first in this order is named.
enum class rotation_reason : std::uint8_t { none, size, interval, packets, command };

/// What is known of the current file.
struct file_progress {
  std::uint64_t size_bytes = 0;    ///< encoded so far
  std::uint64_t packets = 0;       ///< encoded so far
  base::wall_time interval_end{};  ///< from next_interval_end at its beginning
};

/// First multiple of the interval since 1970 that lies after `now`; the end of time when off.
[[nodiscard]] base::wall_time next_interval_end(const rotation_options&, base::wall_time now);

/// Does the file end before `upcoming_bytes` more are encoded into it? A file without packets is
/// never ended for size, so that something larger than the limit still gets a file. A clock that
/// steps back more than an interval before the file's own interval ends the file too; without
/// that it would stay open for as long as the step was. With `skip_empty` the caller takes a new
/// `interval_end` when the first packet goes into a file that was left open.
[[nodiscard]] rotation_reason rotation_due(const rotation_options&, const file_progress&,
                                           std::uint64_t upcoming_bytes, base::wall_time now);

/// How many more packets the file may take; nothing when there is no such limit.
[[nodiscard]] std::optional<std::uint64_t> packets_left(const rotation_options&,
                                                        const file_progress&);

}  // namespace captured::storage
