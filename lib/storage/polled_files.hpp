// SPDX-License-Identifier: MIT
//
// File operations of a disk that has no thread of its own to tell of what it has done: who gives it
// requests asks it. Asking costs next to nothing, being told a wake-up; so one asks when one is
// awake anyway, and is told only where one would wait for it.
#pragma once

#include "storage/file_operations.hpp"

namespace captured::storage {

/// All members on the thread that calls `submit`. Completions of some acts may come from other
/// threads all the same.
class polled_files : public file_operations {
 public:
  /// Begins what was submitted since the last call; what is not begun now is begun by the next one.
  virtual void flush() noexcept = 0;
  /// Gives what has completed to the handler, within the call.
  virtual void reap() = 0;
  /// Is there an act that only `flush` and `reap` will get on?
  [[nodiscard]] virtual bool is_busy() const noexcept = 0;
  /// Are there writes that will not begin before others have completed?
  [[nodiscard]] virtual bool is_holding_back() const noexcept = 0;
  /// Readable when something has completed while notices were wanted: an eventfd.
  [[nodiscard]] virtual int event_fd() const noexcept = 0;
  /// Not wanted at first. What completed before this call is not told of: reap after it.
  virtual void want_notices(bool wanted) noexcept = 0;
};

}  // namespace captured::storage
