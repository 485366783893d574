// SPDX-License-Identifier: MIT
//
// What a run has found against the promises. Gathered rather than thrown, for the seams are crossed
// by code that must not be torn in its middle; the run ends after the step.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace captured::simulation {

class breaches {
 public:
  void add(std::string words) {
    if (found_.size() < kept_max) {
      found_.push_back(std::move(words));
    }
  }
  /// The words are only put together when they are needed.
  template <class Words>
  void check(bool holds, const Words& words) {
    if (!holds) [[unlikely]] {
      add(words());
    }
  }
  [[nodiscard]] bool any() const noexcept { return !found_.empty(); }
  [[nodiscard]] const std::vector<std::string>& all() const noexcept { return found_; }

 private:
  static constexpr std::size_t kept_max = 20;
  std::vector<std::string> found_;
};

}  // namespace captured::simulation
