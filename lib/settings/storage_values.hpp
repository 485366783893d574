// SPDX-License-Identifier: MIT
//
// Values of an output that are more than a size, a duration or a choice: how they are read from
// YAML and written back. For the table of keys alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "settings/values.hpp"
#include "storage/options.hpp"

namespace captured::settings {

/// A size, or a share of the file system: "10GiB", "5%". One of the two is 0.
struct free_space {
  std::uint64_t bytes = 0;
  std::uint32_t percent = 0;
};

struct free_value {
  static reading<free_space> read(const yaml_node& node) {
    const bool is_percent = node.what == yaml_node::kind::scalar && node.text.ends_with('%');
    const auto percent =
        is_percent ? parse_number({node.text.data(), node.text.size() - 1}) : std::nullopt;
    const auto bytes = node.what == yaml_node::kind::scalar ? parse_size(node.text) : std::nullopt;
    if (percent && *percent > 99) {
      return {std::nullopt, quoted(node.text) + " is not from 0% to 99%", node.at};
    }
    if (!percent && !bytes) {
      return {std::nullopt,
              unexpected(node, "a size or a percentage") + did_you_mean(size_meant(node.text)),
              node.at};
    }
    return {free_space{bytes.value_or(0), static_cast<std::uint32_t>(percent.value_or(0))}};
  }
  static std::string print(const storage::retain_options& value) {
    return value.free_percent != 0 ? std::to_string(value.free_percent) + "%"
                                   : size_text(value.free_bytes);
  }
};

/// Found by value_key through its second argument.
inline void assign(storage::retain_options& to, const free_space& from) {
  to.free_bytes = from.bytes;
  to.free_percent = from.percent;
}

/// close, none, or the interval.
struct sync_value {
  static reading<storage::sync_options> read(const yaml_node& node) {
    using storage::sync_policy;
    const duration_value interval{.min = std::chrono::milliseconds(10),
                                  .max = std::chrono::hours(24)};
    if (node.what == yaml_node::kind::scalar && node.text == "close") {
      return {storage::sync_options{sync_policy::close, {}}};
    }
    if (node.what == yaml_node::kind::scalar && node.text == "none") {
      return {storage::sync_options{sync_policy::none, {}}};
    }
    if (node.what != yaml_node::kind::scalar || !parse_duration(node.text)) {
      auto near = suggestion(node.text, {"close", "none"});
      near += near.empty() ? did_you_mean(duration_meant(node.text)) : "";
      return {std::nullopt, unexpected(node, "close, none, or a duration") + near, node.at};
    }
    const auto duration = interval.read(node);
    if (!duration.value) {
      return {std::nullopt, duration.wrong, duration.at};
    }
    return {storage::sync_options{sync_policy::interval, *duration.value}};
  }
  static std::string print(const storage::sync_options& value) {
    return value.policy == storage::sync_policy::interval ? duration_text(value.interval)
           : value.policy == storage::sync_policy::none   ? "none"
                                                          : "close";
  }
};

}  // namespace captured::settings
