// SPDX-License-Identifier: MIT
//
// How many writes are handed to the kernel at a time: all that there are while the disk answers. A
// silent one keeps what it has got, and a few are enough for it; whatever it were given beyond
// would end in any order once it is back, the oldest late, though its memory is wanted first: ring
// blocks that are written as they lie go back to the kernel in their order. Plain figures: no
// clock, no disk.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"

namespace captured::storage {

/// One thread at a time. Takes no memory after its construction.
class write_pacing {
 public:
  /// A disk that has told of nothing for so long, though it was asked meanwhile, is silent.
  static constexpr std::chrono::milliseconds patience{15};
  /// Under way at a silent disk, and until it has caught up.
  static constexpr std::size_t enough = 8;
  /// So many answers in a row, none of them late, and it has caught up, whatever is waiting.
  static constexpr std::size_t catches_up = 64;

  /// For at most so many writes at a time.
  explicit write_pacing(std::size_t writes_max) { waiting_.reserve(writes_max); }

  /// Wants to be begun; writes are begun in the order of these calls.
  void add(std::uint32_t write) { waiting_.push_back(write); }
  /// One that is to be begun now, which is under way from then on; none when none waits, or has to.
  [[nodiscard]] std::optional<std::uint32_t> next(base::steady_time now) noexcept;
  /// One that was under way has ended.
  void on_end(base::steady_time now) noexcept;

  /// Writes that were added and are not begun.
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

 private:
  std::vector<std::uint32_t> waiting_;  ///< the oldest first; some dozens at most
  std::size_t under_way_ = 0;
  std::size_t answers_ = 0;       ///< in a row, none late
  base::steady_time heard_at_{};  ///< an end, or the begin of the last one of the few
  bool is_silent_ = false;        ///< or was, and has not answered as many as it had
};

}  // namespace captured::storage
