// SPDX-License-Identifier: MIT
#include "settings/near_miss.hpp"

#include <algorithm>

namespace captured::settings {

namespace {

constexpr std::size_t word_bytes_max = 64;  // longer ones are no mistyped keys
constexpr std::size_t beginning_bytes_min = 3;

std::string lower(std::string_view word) {
  std::string result(word);
  for (char& c : result) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

}  // namespace

std::size_t edit_distance(std::string_view one, std::string_view other) {
  // Rows of the usual table: the one before last is for swapped neighbours.
  std::vector<std::size_t> before_last(other.size() + 1);
  std::vector<std::size_t> last(other.size() + 1);
  std::vector<std::size_t> row(other.size() + 1);
  for (std::size_t j = 0; j <= other.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= one.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= other.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row[other.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  if (word.size() > word_bytes_max) {
    return {};
  }
  const std::string typed = lower(word);
  std::size_t best_distance = (word.size() > 4 ? 2 : 1) + 1;
  std::string best;
  for (const auto& each : known) {
    const std::size_t distance = edit_distance(typed, lower(each));
    // A word that shares nothing with the known one is no near miss of it, however short both are.
    if (distance < best_distance && distance < std::max(typed.size(), each.size())) {
      best_distance = distance;
      best = each;
    }
  }
  if (!best.empty() || typed.size() < beginning_bytes_min) {
    return best;
  }
  const auto longer = std::ranges::find_if(
      known, [&typed](const std::string& each) { return lower(each).starts_with(typed); });
  return longer == known.end() ? std::string() : *longer;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  const auto best = nearest(word, known);
  return best.empty() ? std::string() : "; did you mean '" + best + "'?";
}

}  // namespace captured::settings
