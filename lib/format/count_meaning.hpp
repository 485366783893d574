// SPDX-License-Identifier: MIT
//
// What the counts of readers and writers are called in JSON and in words: one table for each, from
// which sums, reports and texts are made. The counts themselves are where they are counted.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace captured::format {

struct read_counts;
struct write_counts;

template <class Counts>
struct count_meaning {
  std::uint64_t Counts::*count;
  const char* key;   ///< in JSON; stays as it is once published
  const char* text;  ///< follows the number, "comments are gone"; null: nothing to remark
};

/// Of every count, in the order in which they are told.
[[nodiscard]] std::span<const count_meaning<read_counts>> meanings_of(const read_counts& counts);
[[nodiscard]] std::span<const count_meaning<write_counts>> meanings_of(const write_counts& counts);

/// One line for each count that is to be remarked and is not zero: "3 comments are gone".
template <class Counts>
[[nodiscard]] std::vector<std::string> describe_counts(const Counts& counts) {
  std::vector<std::string> texts;
  for (const auto& each : meanings_of(counts)) {
    if (each.text != nullptr && counts.*each.count != 0) {
      texts.push_back(std::to_string(counts.*each.count) + " " + each.text);
    }
  }
  return texts;
}

template <class Counts>
void add_counts(Counts& to, const Counts& more) {
  for (const auto& each : meanings_of(more)) {
    to.*each.count += more.*each.count;
  }
}

}  // namespace captured::format
