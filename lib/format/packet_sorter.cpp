// SPDX-License-Identifier: MIT
#include "format/packet_sorter.hpp"

#include <algorithm>
#include <numeric>

#include "base/bytes.hpp"

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
  std::uint32_t whole = static_cast<std::uint32_t>(wholes_.size());
  if (wholes_free_.empty()) {
    wholes_.push_back(packet);
  } else {
    whole = wholes_free_.back();
    wholes_free_.pop_back();
    wholes_[whole] = packet;
  }
  hold({.record = packet.record.data(),
        .record_bytes = static_cast<std::uint32_t>(packet.record.size()),
        .interface_id = interface_id,
        .own_id = packet.interface_id,
        .whole = whole},
       packet.has_time ? packet.time : newest_);
}

void packet_sorter::add(const plain_packet& packet, std::uint32_t interface_id) {
  hold({.record = packet.record.data(),
        .record_bytes = static_cast<std::uint32_t>(packet.record.size()),
        .interface_id = interface_id,
        .own_id = packet.interface_id,
        .whole = no_one},
       packet.time);
}

void packet_sorter::hold(const held& one, time_ns time) {
  newest_ = time;
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  slots_[slot] = one;
  keys_.push_back({.time = time, .number = number_++, .slot = slot});
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
  constexpr std::size_t octets_max = 512;  // the rest the processor foresees
  constexpr std::size_t line = 64;
  if (at + slots_ahead >= count) {
    return;
  }
  __builtin_prefetch(&slots_[keys_[at + slots_ahead].slot]);
  const held& soon = slots_[keys_[at + octets_ahead].slot];
  const std::size_t bytes = std::min<std::size_t>(soon.record_bytes, octets_max);
  for (std::size_t offset = 0; offset < bytes; offset += line) {
    __builtin_prefetch(soon.record + offset);
  }
}

void packet_sorter::give_one(const held& one, time_ns time) {
  if (one.whole == no_one) {
    to_.plain({.time = time,
               .interface_id = one.own_id,
               .captured = base::load_little<std::uint32_t>(one.record + 20),
               .original = base::load_little<std::uint32_t>(one.record + 24),
               .record = {one.record, one.record_bytes}},
              one.interface_id);
  } else {
    to_.packet(wholes_[one.whole], one.interface_id);
    wholes_free_.push_back(one.whole);
  }
}

void packet_sorter::give(std::size_t count) {
  std::uint64_t highest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    prefetch(i, count);
    const key& each = keys_[i];
    moved_ += each.number < highest ? 1u : 0u;
    highest = std::max(highest, each.number);
    if (any_given_ && each.time < given_) {
      ++out_of_window_;
    } else {
      given_ = each.time;
    }
    any_given_ = true;
    give_one(slots_[each.slot], each.time);
    free_.push_back(each.slot);
  }
  keys_.erase(keys_.begin(), keys_.begin() + static_cast<std::ptrdiff_t>(count));
  ordered_ = keys_.size();
}

}  // namespace captured::format
