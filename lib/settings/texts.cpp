// SPDX-License-Identifier: MIT
#include "settings/texts.hpp"

#include <algorithm>
#include <string_view>

#include "settings/configuration.hpp"
#include "settings/problem.hpp"
#include "storage/file_name.hpp"

namespace captured::settings {

namespace {

constexpr std::size_t device_name_bytes_max = 15;  // IFNAMSIZ without its zero
constexpr std::size_t pattern_bytes_max = 64;
constexpr std::size_t account_bytes_max = 32;       // useradd(8)
constexpr std::size_t socket_bytes_max = 107;       // sockaddr_un without its zero
constexpr std::size_t directory_bytes_max = 3'800;  // PATH_MAX without room for a file's name

bool has_control_character(const std::string& text, std::string_view allowed = {}) {
  return std::ranges::any_of(text, [allowed](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return (octet < 0x20 || octet == 0x7f) && allowed.find(c) == std::string_view::npos;
  });
}

}  // namespace

std::string check_device_name(const std::string& name) {
  interface_settings probe;
  probe.device.name = name;
  if (name.empty()) {
    return "the name is empty";
  }
  if (name == "any") {
    return "'any' is no interface; \"*\" stands for all";
  }
  if (name == "." || name == ".." || has_control_character(name) ||
      name.find_first_of("/: ") != std::string::npos) {
    return quoted(name) + " cannot be the name of an interface";
  }
  if (name.size() > (probe.is_pattern() ? pattern_bytes_max : device_name_bytes_max)) {
    return quoted(name) + " is too long for the name of an interface";
  }
  return {};
}

std::string check_filter(const std::string& filter) {
  return has_control_character(filter, "\t\n\r") ? "a control character in the filter" : "";
}

std::string check_output(const std::string& name) {
  if (name.empty()) {
    return "the name is empty";
  }

  const auto checked = storage::check_output_name(name);
  return checked ? std::string() : quoted(name) + ": " + checked.error().detail;
}

std::string check_directory(const std::string& directory) {
  if (directory.empty()) {
    return "the name is empty";
  }
  if (has_control_character(directory)) {
    return "a control character in the name";
  }
  if (directory[0] == '~') {
    return quoted(directory) + ": '~' is not replaced by a home directory here; write it out";
  }
  return directory.size() > directory_bytes_max ? "the name is too long" : "";
}

std::string check_fallback(const std::string& directory) {
  return directory.empty() ? std::string() : check_directory(directory);
}

std::string check_account(const std::string& name) {
  constexpr std::string_view others = "0123456789_.-";
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const bool is_good = std::ranges::all_of(
      name, [&](char c) { return is_letter(c) || others.find(c) != std::string_view::npos; });
  if (!is_good || name.starts_with('-') || name.starts_with('.')) {
    return quoted(name) + " cannot be the name of a user or group";
  }
  return name.size() > account_bytes_max ? quoted(name) + " is too long for a name" : "";
}

std::string check_socket(const std::string& path) {
  if (path.empty()) {
    return {};
  }
  if (has_control_character(path)) {
    return "a control character in the name";
  }
  if (path[0] != '/' || path.ends_with('/')) {
    return quoted(path) + " is not the absolute path of a socket";
  }
  return path.size() > socket_bytes_max
             ? "the path is longer than the " + std::to_string(socket_bytes_max) +
                   " octets that a socket's may have"
             : "";
}

}  // namespace captured::settings
