// SPDX-License-Identifier: MIT
#include "pipeline/place_choice.hpp"

#include <algorithm>

#include "pipeline/limits.hpp"

namespace captured::pipeline {

std::uint32_t place_choice::choose(const std::array<place_view, storage::places_max>& places,
                                   base::steady_time now) noexcept {
  const place_view& first = places[0];
  const place_view& second = places[1];
  if (current_ == 0) {
    if (first.is_good() || !(second.is_good() || (!first.is_attached && second.is_attached))) {
      return current_;
    }
    const bool relapsed =
        came_back_at_ != base::steady_time{} && now < came_back_at_ + limits::relapse_within;
    distrust_ = relapsed ? std::clamp<std::chrono::milliseconds>(
                               2 * distrust_, limits::first_distrust, limits::longest_distrust)
                         : std::chrono::milliseconds(0);
    left_at_ = now;
    current_ = 1;
    return current_;
  }
  const bool may_return = first.is_attached && first.works && now >= left_at_ + distrust_;
  // Something is better than nothing.
  const bool must_return = !second.is_good() && first.is_good();
  if (may_return || must_return || (!second.is_attached && first.is_attached)) {
    came_back_at_ = now;
    current_ = 0;
  }
  return current_;
}

}  // namespace captured::pipeline
