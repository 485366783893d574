// SPDX-License-Identifier: MIT
//
// Where all chance in a simulation comes from: the same seed gives the same numbers on every
// machine, which the distributions of the standard library do not promise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace captured::simulation {

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
class random_source {
 public:
  explicit random_source(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  /// 0 to end - 1; 0 when `end` is 0.
  std::uint64_t below(std::uint64_t end) noexcept { return end == 0 ? 0 : next() % end; }
  /// Both ends included.
  std::uint64_t between(std::uint64_t first, std::uint64_t last) noexcept {
    return first + below(last - first + 1);
  }
  /// True so many times in a thousand.
  bool chance(std::uint32_t per_mille) noexcept { return below(1000) < per_mille; }
  template <class Value, std::size_t Count>
  const Value& pick(const Value (&values)[Count]) noexcept {
    return values[below(Count)];
  }
  /// Another source, so that what one part draws does not shift what another gets.
  random_source split() noexcept { return random_source(next()); }

 private:
  std::uint64_t state_;
};

}  // namespace captured::simulation
