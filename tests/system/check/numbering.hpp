// SPDX-License-Identifier: MIT
//
// Keeps account of the numbers of one stream: what is missing, what came twice, what came late.
// Knows which numbers a filter on the destination port lets through. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace captured::check {

/// Which numbers are expected: all, or those whose port the filter selects when the sender takes
/// its ports in turn.
class number_selection {
 public:
  number_selection() = default;
  /// `ports` as the sender was given them, `selected` those that the filter lets through.
  number_selection(const std::vector<std::uint16_t>& ports,
                   const std::vector<std::uint16_t>& selected);

  [[nodiscard]] bool contains(std::uint64_t number) const;
  /// How many expected numbers lie below this one.
  [[nodiscard]] std::uint64_t rank(std::uint64_t number) const;
  /// The expected number of this rank.
  [[nodiscard]] std::uint64_t number(std::uint64_t rank) const;

 private:
  std::uint64_t period_ = 1;
  std::vector<std::uint64_t> residues_{0};  // ascending
};

class numbering {
 public:
  explicit numbering(const number_selection& selection) : selection_(&selection) {}

  enum class verdict { expected, after_gap, repeated, late, not_selected };
  struct judgement {
    verdict kind = verdict::expected;
    std::uint64_t missing_before = 0;  ///< expected numbers that were passed over
  };

  judgement take(std::uint64_t number);

  /// The run of numbers that was sent, to find what is missing at both ends. Numbers outside it
  /// count as not selected.
  void expect(std::uint64_t first, std::uint64_t count);
  /// Expected numbers before the first and after the last that came; 0 unless `expect` was called.
  [[nodiscard]] std::uint64_t missing_at_start() const;
  [[nodiscard]] std::uint64_t missing_at_end() const;

  [[nodiscard]] std::uint64_t taken() const { return taken_; }
  [[nodiscard]] std::uint64_t first() const { return selection_->number(first_rank_); }
  [[nodiscard]] std::uint64_t last() const { return selection_->number(next_rank_ - 1); }
  /// Between the first and the last.
  [[nodiscard]] std::uint64_t missing() const { return missing_; }
  [[nodiscard]] std::uint64_t repeated() const { return repeated_; }
  [[nodiscard]] std::uint64_t late() const { return late_; }
  [[nodiscard]] std::uint64_t not_selected() const { return not_selected_; }

 private:
  bool fill(std::uint64_t rank);

  const number_selection* selection_;
  std::map<std::uint64_t, std::uint64_t> gaps_;  // first rank to last rank of what is missing
  std::optional<std::pair<std::uint64_t, std::uint64_t>> range_;  // ranks, end exclusive
  std::uint64_t first_rank_ = 0;
  std::uint64_t next_rank_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t missing_ = 0;
  std::uint64_t repeated_ = 0;
  std::uint64_t late_ = 0;
  std::uint64_t not_selected_ = 0;
};

}  // namespace captured::check
