// SPDX-License-Identifier: MIT
#include "daemon/accounts.hpp"

#include <charconv>
#include <optional>

#include <grp.h>
#include <pwd.h>

namespace captured::daemon {

namespace {

std::optional<unsigned> parse_id(const std::string& text) {
  unsigned id = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, id);
  return error == std::errc() && stopped == end ? std::optional(id) : std::nullopt;
}

}  // namespace

base::result<account> find_user(const std::string& what, const std::string& name) {
  const passwd* found = ::getpwnam(name.c_str());
  if (const auto id = parse_id(name); found == nullptr && id) {
    found = ::getpwuid(*id);
  }
  if (found == nullptr) {
    return base::invalid_input(what + " " + name, "there is no such user on this machine");
  }
  return account{found->pw_name, found->pw_uid, found->pw_gid};
}

base::result<gid_t> find_group(const std::string& what, const std::string& name) {
  if (const group* const found = ::getgrnam(name.c_str()); found != nullptr) {
    return found->gr_gid;
  }
  if (const auto id = parse_id(name)) {
    return *id;
  }
  return base::invalid_input(what + " " + name, "there is no such group on this machine");
}

std::vector<std::string> directories_of(const storage::output_options& files) {
  return files.fallback.empty() ? std::vector{files.directory}
                                : std::vector{files.directory, files.fallback};
}

base::result<storage::file_rights> rights_of(const storage::output_options& files) {
  storage::file_rights rights{.mode = files.mode};
  if (files.group.empty()) {
    return rights;
  }
  const auto group = find_group("output " + files.name + ": group", files.group);
  if (!group) {
    return group.error();
  }
  rights.group = *group;
  return rights;
}

}  // namespace captured::daemon
