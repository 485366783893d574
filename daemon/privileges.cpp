// SPDX-License-Identifier: MIT
#include "daemon/privileges.hpp"

#include <algorithm>
#include <cerrno>

#include <cap-ng.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.hpp"
#include "daemon/accounts.hpp"
#include "storage/output_directory.hpp"

namespace captured::daemon {

namespace {

constexpr uid_t root = 0;
constexpr mode_t socket_folder_mode = 0755;  // who may use the socket is said by the socket itself

/// Gives a folder that root just made to the user; looks at the folder, never through a link.
base::result<> give_folder(const std::string& path, const account& to, gid_t group) {
  const base::unique_fd folder(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC));
  if (!folder && errno == ENOENT) {
    return {};  // it could not be made: its output says so, and tries again
  }
  if (!folder || ::fchownat(folder.get(), "", to.user, group, AT_EMPTY_PATH) != 0) {
    return base::system_failure(errno, "give directory " + path + " to user " + to.name);
  }
  return {};
}

/// Makes the folders of an output. What fails here fails again when the output opens, which then
/// says so and keeps trying; only what was made must not stay root's.
base::result<> prepare_folders(const storage::output_options& files, const account& owner) {
  const auto rights = rights_of(files);
  const auto group = rights ? rights->group.value_or(owner.group) : owner.group;
  const std::vector<std::string> missing = missing_folders(directories_of(files));
  for (const std::string& path : directories_of(files)) {
    (void)storage::output_directory::open(path, files.require_mount && path == files.directory,
                                          rights ? *rights : storage::file_rights{});
  }
  for (const std::string& each : missing) {
    if (const auto given = give_folder(each, owner, group); !given) {
      return given.error();
    }
  }
  return {};
}

base::result<> prepare_folders(const settings::configuration& wanted, const account& owner) {
  for (const auto& each : wanted.outputs) {
    if (const auto prepared = prepare_folders(each.files, owner); !prepared) {
      return prepared.error();
    }
  }
  std::string socket_folder = wanted.control.socket;
  socket_folder.resize(std::min(socket_folder.size(), socket_folder.rfind('/') + 1));
  if (socket_folder.empty()) {
    return {};
  }
  const std::vector<std::string> missing = missing_folders({socket_folder});
  ::mkdir(socket_folder.c_str(), socket_folder_mode);
  for (const std::string& each : missing) {
    if (const auto given = give_folder(each, owner, owner.group); !given) {
      return given.error();
    }
  }
  return {};
}

/// The user's groups, the socket's and those of the outputs: a socket or a file can only be given
/// to a group that one is in.
base::result<> take_groups(const std::optional<account>& user,
                           const settings::configuration& wanted) {
  if (user && ::initgroups(user->name.c_str(), user->group) != 0) {
    return base::system_failure(errno, "take the groups of user " + user->name);
  }
  std::vector<gid_t> added;
  if (!wanted.control.group.empty()) {
    const auto group = find_group("control.group", wanted.control.group);
    if (!group) {
      return group.error();
    }
    added.push_back(*group);
  }
  for (const auto& each : wanted.outputs) {
    // One that there is not is said when the output opens.
    if (const auto rights = rights_of(each.files); rights && rights->group) {
      added.push_back(*rights->group);
    }
  }
  if (added.empty()) {
    return {};
  }
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  if (::getgroups(static_cast<int>(groups.size()), groups.data()) < 0) {
    return base::system_failure(errno, "read the groups of this process");
  }
  groups.insert(groups.end(), added.begin(), added.end());
  if (::setgroups(groups.size(), groups.data()) != 0) {
    return base::system_failure(errno, "take the groups of control socket and outputs");
  }
  return {};
}

base::result<> clear_ambient() {
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    return base::system_failure(errno, "give up ambient capabilities");
  }
  return {};
}

/// Are there none but these, as a service manager can have seen to? What could be inherited does
/// not count, for nothing is ever executed.
bool has_only(const std::vector<unsigned>& kept) {
  for (unsigned each = 0; each <= CAP_LAST_CAP; ++each) {
    const bool is_kept = std::find(kept.begin(), kept.end(), each) != kept.end();
    if (::capng_have_capability(CAPNG_PERMITTED, each) == 1 ? !is_kept : is_kept) {
      return false;
    }
  }
  return true;
}

/// Keeps these capabilities; with a user, becomes him on the way.
base::result<> keep_only(const std::vector<unsigned>& kept, const std::optional<account>& user) {
  if (!user && has_only(kept)) {
    return clear_ambient();  // more would take a call that the service's own filter refuses
  }
  // Only who may set capabilities may also take them from the bounding set; without it they are
  // out of reach by no_new_privs all the same.
  const bool may_bound = ::capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1;
  ::capng_clear(CAPNG_SELECT_ALL);
  for (const unsigned each : kept) {
    ::capng_updatev(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED), each,
                    -1);
  }
  const int code =
      user ? ::capng_change_id(static_cast<int>(user->user), static_cast<int>(user->group),
                               may_bound ? CAPNG_CLEAR_BOUNDING : CAPNG_NO_FLAG)
           : ::capng_apply(may_bound ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS);
  if (code != 0) {
    return base::system_failure(
        errno, user ? "become user " + user->name + " with the rights of a recorder (step " +
                          std::to_string(-code) + ")"
                    : "give up capabilities (step " + std::to_string(-code) +
                          "; as a service: SystemCallFilter=capset)");
  }
  return clear_ambient();
}

/// After the user has changed, for that makes the process dumpable or not by its own rules.
base::result<> close_process() {
  const rlimit no_core{0, 0};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
      ::setrlimit(RLIMIT_CORE, &no_core) != 0) {
    return base::system_failure(errno, "forbid new privileges and core dumps");
  }
  return {};
}

/// Rings that the kernel keeps hold of for direct writes count as locked memory. Who may not raise
/// the limit records all the same.
void allow_locked_memory() {
  const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
  static_cast<void>(::setrlimit(RLIMIT_MEMLOCK, &all));
}

base::result<> check_rights() {
  if (::capng_get_caps_process() == 0 &&
      ::capng_have_capability(CAPNG_PERMITTED, CAP_NET_RAW) == 1) {
    return {};
  }
  return base::invalid_input(
      "captured",
      "packets cannot be recorded without CAP_NET_RAW: start it as root (--user NAME gives root "
      "up at once), as the service (systemctl start captured), or give the program that right "
      "(setcap cap_net_raw+ep PROGRAM)");
}

base::result<std::optional<account>> choose_user(const std::string& name) {
  if (name.empty()) {
    return std::optional<account>();
  }
  auto found = find_user("user", name);
  if (!found) {
    return found.error();
  }
  if (found->user == ::geteuid()) {
    return std::optional<account>();  // we are the one already
  }
  if (::geteuid() != root) {
    return base::invalid_input("user " + name,
                               "only root can become another user; leave it out, or start as root");
  }
  return std::optional(std::move(*found));
}

}  // namespace

std::vector<std::string> missing_folders(const std::vector<std::string>& paths) {
  std::vector<std::string> missing;
  for (const std::string& path : paths) {
    for (std::size_t end = 0; end != std::string::npos && end < path.size();) {
      end = path.find('/', end + 1);
      const std::string part = path.substr(0, end);
      struct stat about {};
      if (part.ends_with('/') || ::lstat(part.c_str(), &about) == 0 || errno != ENOENT ||
          std::find(missing.begin(), missing.end(), part) != missing.end()) {
        continue;
      }
      missing.push_back(part);
    }
  }
  return missing;
}

base::result<std::shared_ptr<capture::spare_sockets>> open_spare_sockets(
    const settings::configuration& wanted) {
  if (wanted.spare_sockets == 0) {
    return std::shared_ptr<capture::spare_sockets>();
  }
  if (const auto may = check_rights(); !may) {
    return may.error();
  }
  return capture::spare_sockets::open(wanted.spare_sockets);
}

base::result<std::optional<std::string>> drop_privileges(const settings::configuration& wanted) {
  if (const auto may = check_rights(); !may) {
    return may.error();
  }
  const auto user = choose_user(wanted.user);
  if (!user) {
    return user.error();
  }
  if (*user) {
    if (const auto made = prepare_folders(wanted, **user); !made) {
      return made.error();
    }
  }
  if (::geteuid() == root) {
    if (const auto taken = take_groups(*user, wanted); !taken) {
      return taken.error();
    }
  }
  allow_locked_memory();
  const bool stays_root = !*user && ::geteuid() == root;
  std::vector<unsigned> capabilities;
  if (wanted.spare_sockets == 0) {
    capabilities.push_back(CAP_NET_RAW);
  }
  if (stays_root) {
    capabilities.push_back(CAP_DAC_OVERRIDE);
  }
  const auto kept = keep_only(capabilities, *user);
  if (!kept) {
    return kept.error();
  }
  if (const auto closed = close_process(); !closed) {
    return closed.error();
  }
  if (!stays_root) {
    return std::optional<std::string>();
  }
  return std::optional<std::string>(std::string("running as root, with ") +
                                    (wanted.spare_sockets == 0 ? "CAP_NET_RAW and " : "") +
                                    "CAP_DAC_OVERRIDE alone: the option user (--user NAME) "
                                    "would make it an ordinary user");
}

}  // namespace captured::daemon
