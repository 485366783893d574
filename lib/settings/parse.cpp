// SPDX-License-Identifier: MIT
#include "settings/parse.hpp"

#include <algorithm>

#include "settings/checks.hpp"
#include "settings/keys.hpp"
#include "settings/yaml_tree.hpp"

namespace captured::settings {

namespace {

/// The place of the value at a path such as "interfaces[1].ring.size", or of the innermost thing
/// around it that the file names.
position locate(const yaml_node& root, std::string_view path) {
  const yaml_node* node = &root;
  while (!path.empty()) {
    const yaml_node* next = nullptr;
    if (path[0] == '[') {
      const auto index = parse_number(path.substr(1, path.find(']') - 1));
      next = index && *index < node->items.size() ? &node->items[*index] : nullptr;
      path.remove_prefix(path.find(']') + 1);
    } else {
      const auto end = std::min(path.find_first_of(".["), path.size());
      next = node->find(path.substr(0, end));
      path.remove_prefix(end);
    }
    if (next == nullptr) {
      break;
    }
    node = next;
    path.remove_prefix(path.starts_with('.') ? 1 : 0);
  }
  return node->at;
}

/// Where YAML itself was refused, as an alias is, nothing more is to be said of what should stand
/// there.
void forget_consequences(std::vector<problem>& problems, std::size_t syntax_problems) {
  std::vector<position> places;
  for (std::size_t i = 0; i < syntax_problems; ++i) {
    places.push_back(problems[i].at);
  }
  const auto first = problems.begin() + static_cast<std::ptrdiff_t>(syntax_problems);
  problems.erase(std::remove_if(first, problems.end(),
                                [&places](const problem& each) {
                                  return std::ranges::find(places, each.at) != places.end();
                                }),
                 problems.end());
}

}  // namespace

outcome parse(std::string_view text, const std::string& file) {
  auto document = read_yaml(text, file);
  problem_list problems{file, std::move(document.problems), {}, paths_of(configuration_keys())};
  const auto syntax_problems = problems.all.size();
  configuration settings;
  if (document.root && document.root->what == yaml_node::kind::nothing && problems.all.empty()) {
    problems.add({}, "the configuration is empty");
  } else if (document.root) {
    const auto& root = *document.root;
    if (root.find("outputs") == nullptr) {
      settings.outputs.emplace_back();
    }
    read_mapping(root, "", configuration_keys(), problems, settings);
    if (root.what == yaml_node::kind::mapping) {
      for (const auto& each : check(settings)) {
        if (!problems.is_wrong(each.path) && !problems.is_wrong(each.other_path)) {
          problems.blame(each.path, locate(root, each.path), each.text);
        }
      }
    }
  }
  forget_consequences(problems.all, syntax_problems);
  sort_by_place(problems.all);
  if (!problems.all.empty()) {
    return {std::nullopt, std::move(problems.all), file, std::move(document.root),
            std::move(settings)};
  }
  for (auto& each : settings.interfaces) {
    if (each.output.empty()) {
      each.output = settings.outputs.front().files.name;
    }
  }
  return {std::move(settings), {}, file, std::move(document.root)};
}

problem placed(const outcome& read, const remark& about) {
  return {read.file,
          read.source && !about.path.empty() ? locate(*read.source, about.path) : position{},
          about.text};
}

}  // namespace captured::settings
