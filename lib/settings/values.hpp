// SPDX-License-Identifier: MIT
//
// How single values are read from YAML, checked, and written again: one small type for each kind
// of value. `read` gives a value or the words that say what is wrong with the text; `print` gives
// YAML that reads back as the same value.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settings/near_miss.hpp"
#include "settings/problem.hpp"
#include "settings/units.hpp"
#include "settings/yaml_tree.hpp"

namespace captured::settings {

/// A value, or what is wrong with the text it should come from, at `at`.
template <class T>
struct reading {
  std::optional<T> value;
  std::string wrong = {};
  position at = {};
};

/// The words for a node that is not of the shape it should be: "expected a list, found 'x'".
[[nodiscard]] std::string unexpected(const yaml_node& node, std::string_view expected);

/// "; did you mean '64MiB'?", or nothing when it is not known what was meant.
[[nodiscard]] std::string did_you_mean(const std::string& meant);

/// A text as a YAML scalar, in double quotes where plain it would be read as something else.
[[nodiscard]] std::string yaml_scalar(const std::string& text);

/// Any text; `check` says what is wrong with it, or nothing.
struct text_value {
  using type = std::string;
  std::string (*check)(const std::string&) = nullptr;

  [[nodiscard]] reading<std::string> read(const yaml_node& node) const;
  [[nodiscard]] static std::string print(const std::string& value) { return yaml_scalar(value); }
};

/// true or false.
struct truth_value {
  using type = bool;
  [[nodiscard]] static reading<bool> read(const yaml_node& node);
  [[nodiscard]] static std::string print(bool value) { return value ? "true" : "false"; }
};

/// A whole number within bounds.
struct number_value {
  using type = std::uint64_t;
  std::uint64_t min = 0;
  std::uint64_t max = number_max;

  [[nodiscard]] reading<std::uint64_t> read(const yaml_node& node) const;
  [[nodiscard]] static std::string print(std::uint64_t value) { return std::to_string(value); }
};

/// A size within bounds; 0 is taken besides if it means "off".
struct size_value {
  using type = std::uint64_t;
  std::uint64_t min = 0;
  std::uint64_t max = number_max;
  bool zero_is_off = false;
  bool power_of_two = false;

  [[nodiscard]] reading<std::uint64_t> read(const yaml_node& node) const;
  [[nodiscard]] static std::string print(std::uint64_t value) { return size_text(value); }
};

/// A duration within bounds, in steps; 0 is taken besides if it means "off".
struct duration_value {
  using type = std::chrono::milliseconds;
  std::chrono::milliseconds min{1};
  std::chrono::milliseconds max = std::chrono::days(366);
  std::chrono::milliseconds step{1};
  bool zero_is_off = false;

  [[nodiscard]] reading<std::chrono::milliseconds> read(const yaml_node& node) const;
  [[nodiscard]] static std::string print(std::chrono::milliseconds value) {
    return duration_text(value);
  }
};

/// Permissions of a file in octal, from 0 to 0777, with the 0 before it that says so: read as
/// decimal, 660 would be a mistake that opens the wrong doors.
struct permission_value {
  using type = std::uint32_t;
  [[nodiscard]] static reading<std::uint32_t> read(const yaml_node& node);
  [[nodiscard]] static std::string print(std::uint32_t value);
};

/// A list of different whole numbers.
struct number_list_value {
  using type = std::vector<std::uint32_t>;
  std::uint32_t max = 0;

  [[nodiscard]] reading<std::vector<std::uint32_t>> read(const yaml_node& node) const;
  [[nodiscard]] static std::string print(const std::vector<std::uint32_t>& value);
};

/// "'x' is not one of a, b; did you mean 'a'?"
[[nodiscard]] std::string not_among(const std::string& text, const std::vector<std::string>& words);

/// One of some words.
template <class Choice>
struct choice_value {
  using type = Choice;
  std::vector<std::pair<std::string, Choice>> choices;

  [[nodiscard]] reading<Choice> read(const yaml_node& node) const {
    const auto text = text_value{}.read(node);
    if (!text.value) {
      return {std::nullopt, text.wrong, text.at};
    }
    std::vector<std::string> words;
    for (const auto& [word, choice] : choices) {
      if (word == *text.value) {
        return {choice};
      }
      words.push_back(word);
    }
    return {std::nullopt, not_among(*text.value, words), node.at};
  }
  [[nodiscard]] std::string print(Choice value) const {
    const auto found = std::ranges::find(choices, value, &std::pair<std::string, Choice>::second);
    return found == choices.end() ? std::string() : found->first;
  }
};

}  // namespace captured::settings
