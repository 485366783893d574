// SPDX-License-Identifier: MIT
#include "settings/yaml_printer.hpp"

namespace captured::settings {

yaml_printer::yaml_printer(std::string_view heading) : text_(heading) {}

void yaml_printer::line(std::string_view content) {
  if (dash_pending_) {
    text_ += std::string(indent_ - 2, ' ') + "- ";
  } else {
    text_ += std::string(indent_, ' ');
  }
  dash_pending_ = false;
  text_ += content;
  text_ += '\n';
}

void yaml_printer::comment(std::string_view why) {
  if (indent_ == 0) {
    text_ += '\n';
  }
  if (with_comments_) {
    text_ +=
        std::string(dash_pending_ ? indent_ - 2 : indent_, ' ') + "# " + std::string(why) + '\n';
  }
}

void yaml_printer::value(std::string_view name, std::string_view why, std::string_view value) {
  comment(why);
  line(std::string(name) + ": " + std::string(value));
}

void yaml_printer::begin_section(std::string_view name, std::string_view why) {
  comment(why);
  line(std::string(name) + ":");
  indent_ += 2;
}

void yaml_printer::end_section() {
  indent_ -= 2;
}

void yaml_printer::begin_item(bool with_comments) {
  indent_ += 2;
  dash_pending_ = true;
  with_comments_ = with_comments;
}

void yaml_printer::end_item() {
  indent_ -= 2;
  with_comments_ = true;
}

}  // namespace captured::settings
