// SPDX-License-Identifier: MIT
#include "check/numbering.hpp"

#include <algorithm>

namespace captured::check {

number_selection::number_selection(const std::vector<std::uint16_t>& ports,
                                   const std::vector<std::uint16_t>& selected)
    : period_(ports.size()) {
  residues_.clear();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (std::find(selected.begin(), selected.end(), ports[i]) != selected.end()) {
      residues_.push_back(i);
    }
  }
}

bool number_selection::contains(std::uint64_t number) const {
  return std::binary_search(residues_.begin(), residues_.end(), number % period_);
}

std::uint64_t number_selection::rank(std::uint64_t number) const {
  const auto below = std::lower_bound(residues_.begin(), residues_.end(), number % period_);
  return number / period_ * residues_.size() +
         static_cast<std::uint64_t>(below - residues_.begin());
}

std::uint64_t number_selection::number(std::uint64_t rank) const {
  return rank / residues_.size() * period_ + residues_[rank % residues_.size()];
}

numbering::judgement numbering::take(std::uint64_t number) {
  const std::uint64_t rank = selection_->rank(number);
  if (!selection_->contains(number) ||
      (range_ && (rank < range_->first || rank >= range_->second))) {
    ++not_selected_;
    return {.kind = verdict::not_selected};
  }
  if (taken_++ == 0) {
    first_rank_ = rank;
    next_rank_ = rank + 1;
    return {.kind = verdict::expected, .missing_before = missing_at_start()};
  }
  if (rank == next_rank_) {
    ++next_rank_;
    return {};
  }
  if (rank > next_rank_) {
    const std::uint64_t passed_over = rank - next_rank_;
    gaps_.emplace(next_rank_, rank - 1);
    missing_ += passed_over;
    next_rank_ = rank + 1;
    return {.kind = verdict::after_gap, .missing_before = passed_over};
  }
  if (rank < first_rank_) {
    // Something that belongs before the first: all between the two is missing so far.
    if (first_rank_ - rank > 1) {
      gaps_.emplace(rank + 1, first_rank_ - 1);
      missing_ += first_rank_ - rank - 1;
    }
    first_rank_ = rank;
    ++late_;
    return {.kind = verdict::late};
  }
  if (fill(rank)) {
    ++late_;
    return {.kind = verdict::late};
  }
  ++repeated_;
  return {.kind = verdict::repeated};
}

// Takes a number that came late out of the gap it was missed in; false when it was not missing.
bool numbering::fill(std::uint64_t rank) {
  auto gap = gaps_.upper_bound(rank);
  if (gap == gaps_.begin() || std::prev(gap)->second < rank) {
    return false;
  }
  --gap;
  const auto [first, last] = *gap;
  gaps_.erase(gap);
  if (first < rank) {
    gaps_.emplace(first, rank - 1);
  }
  if (rank < last) {
    gaps_.emplace(rank + 1, last);
  }
  --missing_;
  return true;
}

void numbering::expect(std::uint64_t first, std::uint64_t count) {
  range_ = {selection_->rank(first), selection_->rank(first + count)};
}

std::uint64_t numbering::missing_at_start() const {
  return range_ && taken_ != 0 ? first_rank_ - range_->first : 0;
}

std::uint64_t numbering::missing_at_end() const {
  if (!range_) {
    return 0;
  }
  return range_->second - (taken_ != 0 ? next_rank_ : range_->first);
}

}  // namespace captured::check
