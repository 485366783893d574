// SPDX-License-Identifier: MIT
#include "settings/key.hpp"

#include "settings/near_miss.hpp"

namespace captured::settings {

namespace {

/// "into outputs.rotate or interfaces.ring", "to the top", or nothing.
std::string places_of(const std::string& name, const std::vector<std::string>& all_keys) {
  std::string places;
  for (const auto& path : all_keys) {
    if (path == name) {
      return "to the top";
    }
    if (path.ends_with("." + name)) {
      places += (places.empty() ? "into " : " or ") + path.substr(0, path.size() - name.size() - 1);
    }
  }
  return places;
}

}  // namespace

std::string as_item(const yaml_node& word, const std::string& first_key) {
  const bool is_name = word.what == yaml_node::kind::scalar &&
                       yaml_scalar(word.text) == word.text &&
                       word.text.find('/') == std::string::npos;
  return is_name ? did_you_mean("- " + first_key + ": " + word.text) : std::string();
}

bool problem_list::is_wrong(std::string_view path) const {
  while (!path.empty() && !wrong_paths.contains(std::string(path))) {
    const auto end = path.find_last_of(".[");
    path = path.substr(0, end == std::string_view::npos ? 0 : end);
  }
  return !path.empty();
}

void complain_of_unknown(const yaml_entry& entry, const std::string& path,
                         const std::vector<std::string>& known, problem_list& problems) {
  std::string text = "unknown key " + quoted(entry.key) + (path.empty() ? "" : " in " + path);
  if (const auto meant = nearest(entry.key, known); !meant.empty()) {
    text += suggestion(entry.key, known);
    problems.wrong_paths.insert(below(path, meant));
  } else if (const auto places = places_of(entry.key, problems.all_keys); !places.empty()) {
    text += "; it belongs " + places;
  } else {
    text += "; known are";
    for (const auto& each : known) {
      text += (&each == &known.front() ? " " : ", ") + each;
    }
  }
  problems.add(entry.at, std::move(text));
}

}  // namespace captured::settings
