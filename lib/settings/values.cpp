// SPDX-License-Identifier: MIT
#include "settings/values.hpp"

#include <array>

namespace captured::settings {

namespace {

using namespace std::string_literals;

bool is_power_of_two(std::uint64_t number) {
  return number != 0 && (number & (number - 1)) == 0;
}

/// The words for a value out of bounds; without `max` there is only a lower one.
std::string outside(const std::string& text, const std::string& min, const std::string& max,
                    bool zero_is_off) {
  const std::string zero = zero_is_off ? ", nor 0" : "";
  return max.empty() ? quoted(text) + " is not at least " + min + zero
                     : quoted(text) + " is not from " + min + " to " + max + zero;
}

std::string lower(std::string text) {
  for (char& c : text) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

bool is_plain_scalar(const std::string& text) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_/";
  constexpr std::string_view others = "0123456789.-";
  // Words that YAML, in one of its versions, takes for something else than themselves.
  constexpr auto taken = std::to_array<std::string_view>(
      {"true", "false", "yes", "no", "on", "off", "null", "y", "n"});
  const auto is_in = [](std::string_view set, char c) {
    return set.find(c) != std::string_view::npos;
  };
  return !text.empty() && is_in(letters, text[0]) &&
         std::ranges::all_of(text, [&](char c) { return is_in(letters, c) || is_in(others, c); }) &&
         std::ranges::find(taken, lower(text)) == taken.end();
}

/// Other languages, and other versions of this one, have more words for the two.
std::string truth_meant(const yaml_node& node) {
  constexpr auto yes = std::to_array<std::string_view>({"true", "yes", "on", "y", "1", "enabled"});
  constexpr auto no = std::to_array<std::string_view>({"false", "no", "off", "n", "0", "disabled"});
  const std::string word = lower(node.text);
  return std::ranges::find(yes, word) != yes.end() ? "true"
         : std::ranges::find(no, word) != no.end() ? "false"
                                                   : "";
}

std::string escaped(char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto octet = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    return {'\\', c};
  }
  if (octet < 0x20 || octet == 0x7f) {
    return {'\\', 'x', digits[octet >> 4], digits[octet & 15]};
  }
  return {c};
}

}  // namespace

std::string unexpected(const yaml_node& node, std::string_view expected) {
  const std::string found = node.what == yaml_node::kind::scalar    ? quoted(node.text)
                            : node.what == yaml_node::kind::list    ? "a list"s
                            : node.what == yaml_node::kind::mapping ? "a mapping"s
                                                                    : "nothing"s;
  return "expected " + std::string(expected) + ", found " + found;
}

std::string did_you_mean(const std::string& meant) {
  return meant.empty() ? meant : "; did you mean '" + meant + "'?";
}

std::string yaml_scalar(const std::string& text) {
  if (is_plain_scalar(text)) {
    return text;
  }
  std::string result = "\"";
  for (const char c : text) {
    result += escaped(c);
  }
  return result + "\"";
}

reading<std::string> text_value::read(const yaml_node& node) const {
  if (node.what != yaml_node::kind::scalar) {
    return {std::nullopt, unexpected(node, "a single value"), node.at};
  }
  if (check != nullptr) {
    if (auto wrong = check(node.text); !wrong.empty()) {
      return {std::nullopt, std::move(wrong), node.at};
    }
  }
  return {node.text};
}

reading<bool> truth_value::read(const yaml_node& node) {
  if (node.what == yaml_node::kind::scalar && (node.text == "true" || node.text == "false")) {
    return {node.text == "true"};
  }
  return {std::nullopt, unexpected(node, "true or false") + did_you_mean(truth_meant(node)),
          node.at};
}

reading<std::uint64_t> number_value::read(const yaml_node& node) const {
  const auto number = node.what == yaml_node::kind::scalar ? parse_number(node.text) : std::nullopt;
  if (!number) {
    return {std::nullopt, unexpected(node, "a whole number"), node.at};
  }
  if (*number < min || *number > max) {
    return {std::nullopt, outside(node.text, std::to_string(min), std::to_string(max), false),
            node.at};
  }
  return {*number};
}

reading<std::uint64_t> size_value::read(const yaml_node& node) const {
  const auto size = node.what == yaml_node::kind::scalar ? parse_size(node.text) : std::nullopt;
  if (!size) {
    return {std::nullopt,
            unexpected(node, "a size (a number with KiB, MiB, GiB, TiB, kB, MB or GB, or octets)") +
                did_you_mean(size_meant(node.text)),
            node.at};
  }
  if (zero_is_off && *size == 0) {
    return {*size};
  }
  if (*size < min || *size > max) {
    const auto upper = max == number_max ? std::string() : size_text(max);
    return {std::nullopt, outside(node.text, size_text(min), upper, zero_is_off), node.at};
  }
  if (power_of_two && !is_power_of_two(*size)) {
    return {std::nullopt, quoted(node.text) + " is not a power of two", node.at};
  }
  return {*size};
}

reading<std::chrono::milliseconds> duration_value::read(const yaml_node& node) const {
  const auto duration =
      node.what == yaml_node::kind::scalar ? parse_duration(node.text) : std::nullopt;
  if (!duration) {
    return {std::nullopt,
            unexpected(node, "a duration (a number with ms, s, min, h or d)") +
                did_you_mean(duration_meant(node.text)),
            node.at};
  }
  if (zero_is_off && duration->count() == 0) {
    return {*duration};
  }
  if (*duration < min || *duration > max) {
    return {std::nullopt, outside(node.text, duration_text(min), duration_text(max), zero_is_off),
            node.at};
  }
  if (duration->count() % step.count() != 0) {
    return {std::nullopt, quoted(node.text) + " is not a multiple of " + duration_text(step),
            node.at};
  }
  return {*duration};
}

reading<std::uint32_t> permission_value::read(const yaml_node& node) {
  constexpr std::size_t digits_max = 4;
  const bool octal_digits = node.what == yaml_node::kind::scalar && !node.text.empty() &&
                            node.text.find_first_not_of("01234567") == std::string::npos;
  if (octal_digits && node.text.size() <= digits_max && node.text[0] == '0') {
    std::uint32_t mode = 0;
    for (const char digit : node.text) {
      mode = mode * 8 + static_cast<std::uint32_t>(digit - '0');
    }
    return {mode};
  }
  auto wrong = unexpected(node, "permissions in octal, from 0000 to 0777");
  if (octal_digits && node.text.size() < digits_max) {
    wrong += did_you_mean("0" + node.text);
  }
  return {std::nullopt, std::move(wrong), node.at};
}

std::string permission_value::print(std::uint32_t value) {
  std::string text = "0000";
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, value /= 8) {
    *digit = static_cast<char>('0' + value % 8);
  }
  return text;
}

reading<std::vector<std::uint32_t>> number_list_value::read(const yaml_node& node) const {
  if (node.what != yaml_node::kind::list) {
    return {std::nullopt, unexpected(node, "a list of whole numbers"), node.at};
  }
  std::vector<std::uint32_t> numbers;
  for (const auto& item : node.items) {
    const auto number = number_value{0, max}.read(item);
    if (!number.value) {
      return {std::nullopt, number.wrong, number.at};
    }
    const auto narrow = static_cast<std::uint32_t>(*number.value);
    if (std::ranges::find(numbers, narrow) != numbers.end()) {
      return {std::nullopt, quoted(item.text) + " stands twice", item.at};
    }
    numbers.push_back(narrow);
  }
  return {numbers};
}

std::string number_list_value::print(const std::vector<std::uint32_t>& value) {
  std::string text;
  for (const auto number : value) {
    text += (text.empty() ? "" : ", ") + std::to_string(number);
  }
  return "[" + text + "]";
}

std::string not_among(const std::string& text, const std::vector<std::string>& words) {
  std::string list;
  for (const auto& word : words) {
    list += (list.empty() ? "" : ", ") + word;
  }
  return quoted(text) + " is not one of " + list + suggestion(text, words);
}

}  // namespace captured::settings
