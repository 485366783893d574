// SPDX-License-Identifier: MIT
//
// A key of the configuration: its name, one line of why, how its value is read and how it is
// printed. Mappings are tables of such keys, from which follow parsing, the words for unknown keys,
// --print-config and the shipped file. The tables themselves stand in keys.cpp.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "settings/problem.hpp"
#include "settings/values.hpp"
#include "settings/yaml_printer.hpp"
#include "settings/yaml_tree.hpp"

namespace captured::settings {

/// Where problems go while a file is read.
struct problem_list {
  std::string file;
  std::vector<problem> all = {};
  std::set<std::string> wrong_paths = {};  ///< what was complained of, so that nothing follows on
  std::vector<std::string> all_keys = {};  ///< "outputs.rotate.size": where each key belongs

  void add(position at, std::string text) { all.push_back({file, at, std::move(text)}); }
  /// Complains of the value at a path; the empty path is the whole.
  void blame(const std::string& path, position at, const std::string& text) {
    add(at, path.empty() ? text : path + ": " + text);
    wrong_paths.insert(path);
  }
  /// Was the value at a path, or what it is a part of, complained of?
  [[nodiscard]] bool is_wrong(std::string_view path) const;
};

template <class Struct>
struct key {
  std::string name;
  std::string why;
  bool is_required = false;
  /// Reads the value at `path` ("interfaces[0].snaplen") into its place; complains if it cannot.
  std::function<void(const yaml_node&, const std::string& path, problem_list&, Struct&)> read;
  std::function<void(yaml_printer&, const Struct&)> print;
  std::vector<std::string> inner = {};  ///< paths of all keys below it, without its own name
};

template <class Struct>
using key_table = std::vector<key<Struct>>;

/// The paths of all keys of a table and below.
template <class Struct>
std::vector<std::string> paths_of(const key_table<Struct>& keys) {
  std::vector<std::string> paths;
  for (const auto& each : keys) {
    paths.push_back(each.name);
    for (const auto& inner : each.inner) {
      paths.push_back(each.name + "." + inner);
    }
  }
  return paths;
}

/// Complains of an unknown key: "unknown key 'fliter' in interfaces[0]; did you mean 'filter'?", or
/// where it belongs, or with the known ones. A key that was probably meant then counts as given,
/// though wrong.
void complain_of_unknown(const yaml_entry& entry, const std::string& path,
                         const std::vector<std::string>& known, problem_list& problems);

/// "; did you mean '- name: eth0'?" for a word that stands where a list of mappings should.
[[nodiscard]] std::string as_item(const yaml_node& word, const std::string& first_key);

/// The path of a key below another path.
[[nodiscard]] inline std::string below(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

/// Reads a mapping by its table. Keys that are left out keep what `into` has.
template <class Struct>
void read_mapping(const yaml_node& node, const std::string& path, const key_table<Struct>& keys,
                  problem_list& problems, Struct& into) {
  if (node.what != yaml_node::kind::mapping) {
    problems.blame(path, node.at, unexpected(node, "a mapping of keys"));
    return;
  }
  for (const auto& entry : node.entries) {
    const auto known = std::ranges::find(keys, entry.key, &key<Struct>::name);
    if (known != keys.end()) {
      known->read(entry.value, below(path, entry.key), problems, into);
      continue;
    }
    std::vector<std::string> names;
    std::ranges::transform(keys, std::back_inserter(names), &key<Struct>::name);
    complain_of_unknown(entry, path, names, problems);
  }
  for (const auto& each : keys) {
    const auto missing = below(path, each.name);
    if (each.is_required && node.find(each.name) == nullptr && !problems.is_wrong(missing)) {
      problems.blame(missing, node.at, "it must be given");
    }
  }
}

template <class Struct>
void print_mapping(yaml_printer& printer, const key_table<Struct>& keys, const Struct& from) {
  for (const auto& each : keys) {
    each.print(printer, from);
  }
}

/// Narrows a value that was read, and checked, in the widest type of its kind.
template <class To, class From>
void assign(To& to, const From& from) {
  if constexpr (std::is_integral_v<To>) {
    to = static_cast<To>(from);
  } else {
    to = from;
  }
}
template <class Rep, class Period>
void assign(std::chrono::duration<Rep, Period>& to, std::chrono::milliseconds from) {
  to = std::chrono::duration_cast<std::chrono::duration<Rep, Period>>(from);
}

/// A key with a single value; `access` gives its place in a Struct, const or not.
template <class Struct, class Value, class Access>
key<Struct> value_key(std::string name, std::string why, Value value, Access access) {
  key<Struct> made{name, why, false, {}, {}};
  made.read = [value, access](const yaml_node& node, const std::string& path,
                              problem_list& problems, Struct& into) {
    auto reading = value.read(node);
    if (reading.value) {
      assign(access(into), *reading.value);
    } else {
      problems.blame(path, reading.at, reading.wrong);
    }
  };
  made.print = [name, why, value, access](yaml_printer& printer, const Struct& from) {
    printer.value(name, why, value.print(access(from)));
  };
  return made;
}

/// A key with a mapping of its own below it.
template <class Struct, class Part, class Access>
key<Struct> section_key(std::string name, std::string why, key_table<Part> keys, Access access) {
  key<Struct> made{name, why, false, {}, {}, paths_of(keys)};
  made.read = [keys, access](const yaml_node& node, const std::string& path, problem_list& problems,
                             Struct& into) {
    read_mapping(node, path, keys, problems, access(into));
  };
  made.print = [name, why, keys, access](yaml_printer& printer, const Struct& from) {
    printer.begin_section(name, why);
    print_mapping(printer, keys, access(from));
    printer.end_section();
  };
  return made;
}

/// A key with a list of mappings; `access` gives the vector, which is replaced.
template <class Struct, class Item, class Access>
key<Struct> list_key(std::string name, std::string why, key_table<Item> keys, Access access) {
  key<Struct> made{name, why, false, {}, {}, paths_of(keys)};
  made.read = [keys, access](const yaml_node& node, const std::string& path, problem_list& problems,
                             Struct& into) {
    auto& items = access(into);
    items.clear();
    if (node.what != yaml_node::kind::list) {
      problems.blame(path, node.at, unexpected(node, "a list") + as_item(node, keys.front().name));
      return;
    }
    for (const auto& each : node.items) {
      const std::string item_path = path + "[" + std::to_string(items.size()) + "]";
      auto& item = items.emplace_back();
      if (each.what == yaml_node::kind::scalar) {
        problems.blame(item_path, each.at,
                       unexpected(each, "a mapping of keys") + as_item(each, keys.front().name));
        continue;
      }
      read_mapping(each, item_path, keys, problems, item);
    }
  };
  made.print = [name, why, keys, access](yaml_printer& printer, const Struct& from) {
    if (access(from).empty()) {
      printer.value(name, why, "[]");
      return;
    }
    printer.begin_section(name, why);
    bool is_first = true;
    for (const auto& each : access(from)) {
      printer.begin_item(is_first);
      print_mapping(printer, keys, each);
      printer.end_item();
      is_first = false;
    }
    printer.end_section();
  };
  return made;
}

}  // namespace captured::settings
