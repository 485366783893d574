// SPDX-License-Identifier: MIT
#include "format/packet_sorter.hpp"

#include <algorithm>
#include <numeric>

namespace captured::format {

// The window is held, and as much again is gathered before it is ordered and half is given: each
// packet is compared with all those a window before and behind it.
packet_sorter::packet_sorter(std::size_t window_packets, receiver to)
    : window_(std::max<std::size_t>(window_packets, 1)),
      to_(std::move(to)),
      slots_(2 * window_),
      free_(2 * window_) {
  std::iota(free_.rbegin(), free_.rend(), 0U);
  keys_.reserve(2 * window_);
}

void packet_sorter::add(const capture_packet& packet, std::uint32_t interface_id) {
  newest_ = packet.has_time ? packet.time : newest_;
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  slots_[slot] = {.packet = packet, .interface_id = interface_id};
  keys_.push_back({.time = newest_, .number = number_++, .slot = slot});
  if (free_.empty()) {
    order();
    give(window_);
  }
}

void packet_sorter::flush() {
  order();
  give(keys_.size());
}

void packet_sorter::order() {
  const auto middle = keys_.begin() + static_cast<std::ptrdiff_t>(ordered_);
  if (!std::is_sorted(middle, keys_.end())) {
    std::sort(middle, keys_.end());
  }
  if (middle != keys_.begin() && middle != keys_.end() && *middle < *(middle - 1)) {
    // Only what overlaps: in most files that is little.
    const auto begin = std::upper_bound(keys_.begin(), middle, *middle);
    std::inplace_merge(begin, middle, keys_.end());
  }
  ordered_ = keys_.size();
}

/// What is given lies anywhere in the window, and its octets anywhere in the file.
void packet_sorter::prefetch(std::size_t at, std::size_t count) const noexcept {
  constexpr std::size_t slots_ahead = 16;
  constexpr std::size_t octets_ahead = 8;
  constexpr std::size_t line = 64;
  if (at + slots_ahead >= count) {
    return;
  }
  const auto* const slot =
      reinterpret_cast<const std::byte*>(&slots_[keys_[at + slots_ahead].slot]);
  for (std::size_t offset = 0; offset < sizeof(held); offset += line) {
    __builtin_prefetch(slot + offset);
  }
  const auto record = slots_[keys_[at + octets_ahead].slot].packet.record;
  __builtin_prefetch(record.data());
  __builtin_prefetch(record.data() + line);
}

void packet_sorter::give(std::size_t count) {
  std::uint64_t highest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    prefetch(i, count);
    const key& each = keys_[i];
    held& one = slots_[each.slot];
    moved_ += each.number < highest ? 1u : 0u;
    highest = std::max(highest, each.number);
    if (any_given_ && each.time < given_) {
      ++out_of_window_;
    } else {
      given_ = each.time;
    }
    any_given_ = true;
    to_(one.packet, one.interface_id);
    free_.push_back(each.slot);
  }
  keys_.erase(keys_.begin(), keys_.begin() + static_cast<std::ptrdiff_t>(count));
  ordered_ = keys_.size();
}

}  // namespace captured::format
