// SPDX-License-Identifier: MIT
//
// In which of an output's folders are files made? A plain function of what is known of the two, and
// of time; no disk, no clock.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.hpp"
#include "storage/options.hpp"

namespace captured::pipeline {

/// What is known of a folder.
struct place_view {
  bool is_attached = false;  ///< it was opened, and is still the one that its path leads to
  bool is_bad = false;       ///< acts there fail, or get no answer, and have for a while
  bool is_full = false;      ///< hardly any space, and nothing may be removed
  bool works = false;  ///< nothing is left undone there, a test just went well, space is ample

  [[nodiscard]] bool is_good() const noexcept { return is_attached && !is_bad && !is_full; }
};

class place_choice {
 public:
  /// The first one, as long as it is good; else the second one, if that is better; and back to the
  /// first when it works again, unless it went bad soon after it was come back to: then later each
  /// time. Where none is good, things stay as they are.
  std::uint32_t choose(const std::array<place_view, storage::places_max>& places,
                       base::steady_time now) noexcept;
  [[nodiscard]] std::uint32_t current() const noexcept { return current_; }

 private:
  std::uint32_t current_ = 0;
  base::steady_time came_back_at_{};
  base::steady_time left_at_{};
  std::chrono::milliseconds distrust_{0};
};

}  // namespace captured::pipeline
