// SPDX-License-Identifier: MIT
//
// Lays out a configuration as commented YAML: a line of why above each key, in the first item of
// each list only. Knows the layout, not the keys.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace captured::settings {

/// Calls nest: sections and items are begun and ended in turn.
class yaml_printer {
 public:
  explicit yaml_printer(std::string_view heading);

  /// "name: value"; `value` is YAML already.
  void value(std::string_view name, std::string_view why, std::string_view value);
  /// "name:", and what follows until `end_section` below it.
  void begin_section(std::string_view name, std::string_view why);
  void end_section();
  /// An item of the list that the section around it is.
  void begin_item(bool with_comments);
  void end_item();

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  void line(std::string_view content);
  void comment(std::string_view why);

  std::string text_;
  std::size_t indent_ = 0;
  bool dash_pending_ = false;  // the next line that is no comment begins an item
  bool with_comments_ = true;
};

}  // namespace captured::settings
