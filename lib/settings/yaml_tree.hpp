// SPDX-License-Identifier: MIT
//
// A YAML text as a tree of plain values with their places. Takes the part of YAML that a
// configuration needs: one document of mappings, lists and scalars. Anchors, aliases and tags are
// refused, so a small text cannot stand for a large one. The only place that knows yaml-cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings/problem.hpp"

namespace captured::settings {

inline constexpr std::size_t yaml_bytes_max = 1 << 20;  ///< a thousand interfaces are 100 KiB
inline constexpr std::size_t yaml_depth_max = 16;       ///< mappings and lists within each other

struct yaml_entry;

struct yaml_node {
  enum class kind { nothing, scalar, list, mapping };

  kind what = kind::nothing;
  position at;                      ///< of its first character; for nothing, of the key before it
  std::string text;                 ///< of a scalar, without quotes
  std::vector<yaml_node> items;     ///< of a list
  std::vector<yaml_entry> entries;  ///< of a mapping, in the order of the text, keys unique

  /// The value under a key of a mapping; null when there is none.
  [[nodiscard]] const yaml_node* find(std::string_view key) const;
};

struct yaml_entry {
  std::string key;
  position at;
  yaml_node value;
};

struct yaml_document {
  std::optional<yaml_node> root;  ///< none when the text is not YAML; `nothing` when it is empty
  std::vector<problem> problems;  ///< may stand beside a root: what could be read is in it
};

/// Reads a text. Never throws; whatever the octets are, the outcome is a root or a problem.
[[nodiscard]] yaml_document read_yaml(std::string_view text, const std::string& file);

}  // namespace captured::settings
