// SPDX-License-Identifier: MIT
#include "settings/key.hpp"

#include "settings/near_miss.hpp"

namespace captured::settings {

void complain_of_unknown(const yaml_entry& entry, const std::string& path,
                         const std::vector<std::string>& known, problem_list& problems) {
  std::string text = "unknown key " + quoted(entry.key) + (path.empty() ? "" : " in " + path);
  if (const auto meant = nearest(entry.key, known); !meant.empty()) {
    text += suggestion(entry.key, known);
    problems.wrong_paths.insert(below(path, meant));
  } else {
    text += "; known are";
    for (const auto& each : known) {
      text += (&each == &known.front() ? " " : ", ") + each;
    }
  }
  problems.add(entry.at, std::move(text));
}

}  // namespace captured::settings
