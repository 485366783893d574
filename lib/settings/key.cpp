// SPDX-License-Identifier: MIT
#include "settings/key.hpp"

#include "settings/near_miss.hpp"

namespace captured::settings {

std::string unknown_key(const std::string& name, const std::string& path,
                        const std::vector<std::string>& known) {
  std::string text = "unknown key " + quoted(name) + (path.empty() ? "" : " in " + path);
  if (auto meant = suggestion(name, known); !meant.empty()) {
    return text + meant;
  }
  text += "; known are";
  for (const auto& each : known) {
    text += (&each == &known.front() ? " " : ", ") + each;
  }
  return text;
}

}  // namespace captured::settings
