// SPDX-License-Identifier: MIT
#include "storage/write_pacing.hpp"

#include "base/check.hpp"

namespace captured::storage {

std::optional<std::uint32_t> write_pacing::next(base::steady_time now) noexcept {
  if (waiting_.empty()) {
    is_silent_ = false;
    return std::nullopt;
  }
  if (under_way_ >= enough) {
    if (!is_silent_ && now - heard_at_ > patience) {
      is_silent_ = true;
      answers_ = 0;
    }
    if (is_silent_) {
      return std::nullopt;
    }
  }
  ++under_way_;
  if (under_way_ <= enough) {
    heard_at_ = now;
  }
  const std::uint32_t write = waiting_.front();
  waiting_.erase(waiting_.begin());
  return write;
}

void write_pacing::on_end(base::steady_time now) noexcept {
  CAPTURED_CHECK(under_way_ > 0);
  answers_ = now - heard_at_ > patience ? 0 : answers_ + 1;
  is_silent_ = is_silent_ && answers_ < catches_up;
  --under_way_;
  heard_at_ = now;
}

}  // namespace captured::storage
