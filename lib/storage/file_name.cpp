// SPDX-License-Identifier: MIT
#include "storage/file_name.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace captured::storage {

namespace {

constexpr std::size_t name_bytes_max = 255;  // NAME_MAX of every file system in use
constexpr std::size_t output_bytes_max = 64;
constexpr std::size_t sequence_digits_min = 6;
constexpr std::size_t sequence_digits_max = 15;
constexpr char sequence_mark = '#';
constexpr std::string_view prepared_suffix = ".next";

/// What a conversion gives, '0' standing for any digit. Only conversions that do not depend on a
/// locale, have a fixed width and hold no '/' are known.
struct conversion_shape {
  char letter;
  std::string_view shape;
};
constexpr auto conversions = std::to_array<conversion_shape>({
    {'Y', "0000"},
    {'y', "00"},
    {'m', "00"},
    {'d', "00"},
    {'j', "000"},
    {'H', "00"},
    {'M', "00"},
    {'S', "00"},
    {'V', "00"},
    {'u', "0"},
    {'F', "0000-00-00"},
    {'T', "00:00:00"},
    {'G', "0000"},
    {'w', "0"},
    {'s', "0000000000"},
});

std::string_view shape_of(char letter) {
  const auto* const found = std::ranges::find(conversions, letter, &conversion_shape::letter);
  return found == conversions.end() ? std::string_view{} : found->shape;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_plain(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
         c == '_';
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string padded(std::uint64_t number, std::size_t digits) {
  std::string text = std::to_string(number);
  return text.size() < digits ? std::string(digits - text.size(), '0') + text : text;
}

std::string converted(char letter, std::time_t seconds) {
  if (letter == 's') {
    return padded(static_cast<std::uint64_t>(seconds), 10);  // strftime's %s would be local time
  }
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  const std::array<char, 3> pattern{'%', letter, '\0'};
  std::array<char, 32> text{};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  const auto length = std::strftime(text.data(), text.size(), pattern.data(), &utc);
#pragma GCC diagnostic pop
  return {text.data(), length};
}

bool fits_shape(std::string_view text, std::string_view shape) {
  return std::ranges::equal(text, shape,
                            [](char c, char s) { return s == '0' ? is_digit(c) : c == s; });
}

std::optional<std::uint64_t> read_sequence(std::string_view digits) {
  const bool padded_too_far = digits.size() > sequence_digits_min && digits.front() == '0';
  if (digits.size() < sequence_digits_min || digits.size() > sequence_digits_max ||
      padded_too_far || !std::ranges::all_of(digits, is_digit)) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

/// Cuts off the "+N" that keeps a name apart from one that was there already.
std::string_view without_number_apart(std::string_view stem) {
  const auto plus = stem.rfind('+');
  const auto digits = plus == std::string_view::npos ? "" : stem.substr(plus + 1);
  return !digits.empty() && std::ranges::all_of(digits, is_digit) ? stem.substr(0, plus) : stem;
}

/// Takes `count` octets off the front; the caller knows that they are there.
std::string_view take(std::string_view& text, std::size_t count) {
  const auto front = text.substr(0, count);
  text.remove_prefix(front.size());
  return front;
}

}  // namespace

void file_name::add_text(std::string_view text) {
  if (elements_.empty() || elements_.back().conversion != 0) {
    elements_.push_back({});
  }
  elements_.back().text += text;
}

base::result<std::size_t> file_name::add_conversion(std::string_view rest,
                                                    const std::string& context) {
  if (rest.size() < 2) {
    return base::invalid_input(context, "a '%' at the end; write %% for a percent sign");
  }
  if (rest[1] == '%') {
    add_text("%");
  } else if (!shape_of(rest[1]).empty()) {
    elements_.push_back({rest[1], {}});
  } else {
    std::string known;
    for (const auto& each : conversions) {
      known += std::string(" %") + each.letter;
    }
    const std::string shown = is_control(rest[1]) || rest[1] < 0 ? "" : std::string(1, rest[1]);
    return base::invalid_input(context, "unknown conversion %" + shown + "; known are" + known);
  }
  return std::size_t{2};
}

base::result<std::size_t> file_name::add_placeholder(std::string_view rest, std::string_view output,
                                                     const std::string& context) {
  const auto end = rest.find('}');
  if (end == std::string_view::npos) {
    return base::invalid_input(context, "a '{' without '}'");
  }
  const auto word = rest.substr(0, end + 1);
  if (word == "{output}") {
    add_text(output);
  } else if (word == "{sequence}") {
    if (std::ranges::count(elements_, sequence_mark, &element::conversion) != 0) {
      return base::invalid_input(context, "{sequence} stands twice");
    }
    elements_.push_back({sequence_mark, {}});
  } else {
    return base::invalid_input(context, "unknown placeholder " + std::string(word) +
                                            "; known are {output} and {sequence}");
  }
  return word.size();
}

base::result<file_name> file_name::parse(std::string_view pattern, std::string_view output,
                                         std::string_view extension) {
  if (auto checked = check_output_name(output); !checked) {
    return checked.error();
  }
  if (std::ranges::any_of(pattern, is_control)) {
    return base::invalid_input("file name", "a control character is not allowed");
  }
  const std::string context = "file name '" + std::string(pattern) + "'";
  file_name names;
  names.extension_ = extension;
  for (auto rest = pattern; !rest.empty();) {
    base::result<std::size_t> used{std::size_t{1}};
    if (rest[0] == '%') {
      used = names.add_conversion(rest, context);
    } else if (rest[0] == '{') {
      used = names.add_placeholder(rest, output, context);
    } else if (rest[0] == '/') {
      return base::invalid_input(context, "'/' is not allowed; the folder is given by 'directory'");
    } else if (rest[0] == '}') {
      return base::invalid_input(context, "a '}' without '{'");
    } else {
      names.add_text(rest.substr(0, 1));
    }
    if (!used) {
      return used.error();
    }
    rest.remove_prefix(*used);
  }
  if (std::ranges::count(names.elements_, sequence_mark, &element::conversion) == 0) {
    return base::invalid_input(context, "{sequence} is missing; without it names would repeat");
  }
  if (names.elements_.front().text.starts_with('.')) {
    return base::invalid_input(context, "names that begin with '.' are hidden");
  }
  if (names.fixed_bytes() + sequence_digits_max + extension.size() + open_suffix.size() >
      name_bytes_max) {
    return base::invalid_input(context, "the names would be longer than 255 octets");
  }
  return names;
}

std::size_t file_name::fixed_bytes() const {
  std::size_t sum = 0;
  for (const auto& each : elements_) {
    sum += each.text.size() + shape_of(each.conversion).size();
  }
  return sum;
}

std::string file_name::make(base::wall_time begun, std::uint64_t sequence) const {
  const auto seconds = std::max<std::time_t>(
      0, std::chrono::floor<std::chrono::seconds>(begun.time_since_epoch()).count());
  std::string name;
  for (const auto& each : elements_) {
    if (each.conversion == 0) {
      name += each.text;
    } else if (each.conversion == sequence_mark) {
      name += padded(sequence, sequence_digits_min);
    } else {
      name += converted(each.conversion, seconds);
    }
  }
  return name;
}

std::optional<std::uint64_t> file_name::sequence_of(std::string_view name) const {
  const auto suffix = name.rfind(extension_);
  if (suffix == std::string_view::npos) {
    return std::nullopt;
  }
  const auto behind = name.substr(suffix + extension_.size());
  if (!behind.empty() && behind[0] != '.') {
    return std::nullopt;
  }
  const auto stem = name.substr(0, suffix);
  const auto sequence = sequence_of_stem(stem);
  return sequence ? sequence : sequence_of_stem(without_number_apart(stem));
}

std::optional<std::uint64_t> file_name::sequence_of_stem(std::string_view stem) const {
  if (stem.size() < fixed_bytes()) {
    return std::nullopt;
  }
  const std::size_t sequence_digits = stem.size() - fixed_bytes();
  std::optional<std::uint64_t> sequence;
  for (const auto& each : elements_) {
    bool fits = true;
    if (each.conversion == sequence_mark) {
      sequence = read_sequence(take(stem, sequence_digits));
      fits = sequence.has_value();
    } else if (each.conversion == 0) {
      fits = take(stem, each.text.size()) == each.text;
    } else {
      const auto shape = shape_of(each.conversion);
      fits = fits_shape(take(stem, shape.size()), shape);
    }
    if (!fits) {
      return std::nullopt;
    }
  }
  return sequence;
}

base::result<void> check_output_name(std::string_view output) {
  if (output.empty()) {
    return base::invalid_input("output name", "it is empty");
  }
  if (output.size() > output_bytes_max) {
    return base::invalid_input("output name", "it is longer than 64 octets");
  }
  if (!std::ranges::all_of(output, is_plain) || output[0] == '.') {
    return base::invalid_input(
        "output name", "only letters, digits, '-', '_' and, not at the start, '.' are allowed");
  }
  return {};
}

std::string prepared_name(std::string_view output, std::uint64_t sequence, std::uint32_t attempt) {
  return "." + std::string(output) + "-" + padded(sequence, sequence_digits_min) +
         (attempt == 0 ? "" : "+" + std::to_string(attempt)) + std::string(prepared_suffix);
}

bool is_prepared_name(std::string_view name, std::string_view output) {
  const std::string head = "." + std::string(output) + "-";
  if (!name.starts_with(head) || !name.ends_with(prepared_suffix) ||
      name.size() < head.size() + prepared_suffix.size()) {
    return false;
  }
  name.remove_prefix(head.size());
  name.remove_suffix(prepared_suffix.size());
  const std::size_t plus = std::min(name.find('+'), name.size());
  const bool is_first = plus == name.size();
  return read_sequence(name.substr(0, plus)) &&
         (is_first || std::ranges::all_of(name.substr(plus + 1), is_digit));
}

}  // namespace captured::storage
