// SPDX-License-Identifier: MIT
#include "capture/loss_ledger.hpp"

#include <utility>

#include "base/check.hpp"

namespace captured::capture {

loss_ledger::loss_ledger(std::uint32_t block_count)
    : losses_(block_count), released_early_(block_count) {
  CAPTURED_CHECK(block_count > 0);
}

loss_ledger::loss_ledger(std::uint32_t block_count, std::uint64_t released,
                         std::uint64_t losses_untold)
    : loss_ledger(block_count) {
  position_ = oldest_ = static_cast<std::uint32_t>(released % block_count);
  filled_total_ = released_in_order_ = released;
  losses_[oldest_] = losses_untold;
}

void loss_ledger::filled() noexcept {
  CAPTURED_CHECK(!all_in_use());
  position_ = next(position_);
  ++filled_total_;
}

void loss_ledger::charge(std::uint64_t packets) noexcept {
  (all_in_use() ? waiting_ : losses_[position_]) += packets;
}

void loss_ledger::release(std::uint32_t block) noexcept {
  CAPTURED_CHECK(block < losses_.size() && released_early_[block] == 0);
  CAPTURED_CHECK(filled_total_ != released_in_order_);
  losses_[block] = 0;
  if (block != oldest_) {
    released_early_[block] = 1;
    return;
  }
  losses_[block] = std::exchange(waiting_, 0);
  do {
    released_early_[oldest_] = 0;
    oldest_ = next(oldest_);
    ++released_in_order_;
  } while (released_early_[oldest_] != 0);
}

}  // namespace captured::capture
