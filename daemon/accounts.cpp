// SPDX-License-Identifier: MIT
#include "daemon/accounts.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace captured::daemon {

namespace {

constexpr std::size_t room_bytes = 1024;
constexpr std::size_t room_bytes_max = std::size_t{1} << 20;  // of a group with many members
constexpr const char* no_group = "there is no such group on this machine";

std::optional<unsigned> parse_id(const std::string& text) {
  unsigned id = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, id);
  return error == std::errc() && stopped == end ? std::optional(id) : std::nullopt;
}

/// What a name service has answered: an entry, none, or why it could not say.
template <class Entry>
struct answer {
  const Entry* found = nullptr;
  int error = 0;
};

/// getgrnam(3) names these for a group that is not there, beside 0.
bool means_none(int error) noexcept {
  return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

/// Asks with more room until the answer fits.
template <class Entry, class Ask>
answer<Entry> ask(Entry& entry, std::vector<char>& room, Ask get) {
  Entry* found = nullptr;
  room.resize(room_bytes);
  int error = 0;
  while ((error = get(&entry, room.data(), room.size(), &found)) == ERANGE &&
         room.size() < room_bytes_max) {
    room.resize(2 * room.size());
  }
  return {found, found != nullptr || means_none(error) ? 0 : error};
}

/// Numbers of groups by what configurations call them.
std::mutex groups_mutex;
std::map<std::string, gid_t> groups;  // guarded by groups_mutex

std::optional<gid_t> known_group(const std::string& name) {
  const std::lock_guard lock(groups_mutex);
  const auto known = groups.find(name);
  return known != groups.end() ? std::optional(known->second) : std::nullopt;
}

std::string group_of(const storage::output_options& files) {
  return "output " + files.name + ": group";
}

}  // namespace

base::result<account> find_user(const std::string& what, const std::string& name) {
  passwd entry{};
  std::vector<char> room;
  auto said = ask(entry, room, [&](auto... rest) { return ::getpwnam_r(name.c_str(), rest...); });
  if (const auto id = parse_id(name); said.found == nullptr && id) {
    said = ask(entry, room, [&](auto... rest) { return ::getpwuid_r(*id, rest...); });
  }
  if (said.error != 0) {
    return base::system_failure(said.error, "look up " + what + " " + name);
  }
  if (said.found == nullptr) {
    return base::invalid_input(what + " " + name, "there is no such user on this machine");
  }
  return account{said.found->pw_name, said.found->pw_uid, said.found->pw_gid};
}

base::result<gid_t> find_group(const std::string& what, const std::string& name) {
  group entry{};
  std::vector<char> room;
  const auto said =
      ask(entry, room, [&](auto... rest) { return ::getgrnam_r(name.c_str(), rest...); });
  if (said.found != nullptr) {
    return said.found->gr_gid;
  }
  if (const auto id = parse_id(name)) {
    return *id;
  }
  return said.error != 0 ? base::system_failure(said.error, "look up " + what + " " + name)
                         : base::invalid_input(what + " " + name, no_group);
}

base::result<> look_up_group(const storage::output_options& files) {
  if (files.group.empty()) {
    return {};
  }
  const auto found = find_group(group_of(files), files.group);
  if (found) {
    const std::lock_guard lock(groups_mutex);
    groups[files.group] = *found;
  } else if (!known_group(files.group)) {
    return found.error();
  }
  return {};
}

std::vector<base::failure> group_refusals(const std::vector<pipeline::output_options>& outputs,
                                          const std::vector<pipeline::output_options>& in_force) {
  std::vector<gid_t> own(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  own.resize(
      static_cast<std::size_t>(std::max(0, ::getgroups(static_cast<int>(own.size()), own.data()))));
  own.push_back(::getegid());
  std::vector<base::failure> refused;
  for (const pipeline::output_options& output : outputs) {
    const bool is_same = std::ranges::any_of(in_force, [&output](const auto& one) {
      return one.files.name == output.files.name && one.files.group == output.files.group;
    });
    if (is_same || output.files.group.empty()) {
      continue;
    }
    const std::string what = group_of(output.files) + " " + output.files.group;
    const auto known = known_group(output.files.group);
    if (!known) {
      refused.push_back(base::invalid_input(what, no_group));
    } else if (std::ranges::find(own, *known) == own.end()) {
      refused.push_back(
          base::invalid_input(what, "this captured is not in it, and can give no files to it"));
    }
  }
  return refused;
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
  rights.group = known_group(files.group);
  if (!rights.group) {
    const auto found = find_group(group_of(files), files.group);
    if (!found) {
      return found.error();
    }
    rights.group = *found;
  }
  return rights;
}

}  // namespace captured::daemon
