// SPDX-License-Identifier: MIT
//
// A set of octets of a file, as few stretches as they can be.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace captured::simulation {

struct extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

class extents {
 public:
  void add(extent one) {
    if (one.begin >= one.end) {
      return;
    }
    std::erase_if(all_, [&one](const extent& other) {
      if (other.end < one.begin || other.begin > one.end) {
        return false;
      }
      one = {std::min(one.begin, other.begin), std::max(one.end, other.end)};
      return true;
    });
    all_.push_back(one);
  }
  void add(const extents& others) {
    for (const extent& one : others.all_) {
      add(one);
    }
  }
  /// Forgets what lies at or behind `end`.
  void cut(std::uint64_t end) {
    for (extent& one : all_) {
      one.end = std::min(one.end, end);
    }
    std::erase_if(all_, [](const extent& one) { return one.begin >= one.end; });
  }
  void clear() noexcept { all_.clear(); }
  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
  [[nodiscard]] const std::vector<extent>& all() const noexcept { return all_; }
  /// Octets from 0 on without a gap.
  [[nodiscard]] std::uint64_t from_start() const noexcept {
    for (const extent& one : all_) {
      if (one.begin == 0) {
        return one.end;
      }
    }
    return 0;
  }

 private:
  std::vector<extent> all_;  // in no order, none touching another
};

}  // namespace captured::simulation
