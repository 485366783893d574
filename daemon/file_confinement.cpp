// SPDX-License-Identifier: MIT
#include "daemon/file_confinement.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/unique_fd.hpp"

namespace captured::daemon {

namespace {

// From linux/landlock.h of kernels younger than the headers that this must compile with.
constexpr std::uint64_t access_refer = 1u << 13;
constexpr std::uint64_t access_truncate = 1u << 14;
constexpr std::uint64_t access_ioctl_of_devices = 1u << 15;
constexpr std::uint64_t access_bind_tcp = 1u << 0;
constexpr std::uint64_t access_connect_tcp = 1u << 1;
constexpr std::uint64_t scope_of_signals = 1u << 1;

/// struct landlock_ruleset_attr as it is since version 6; older kernels take it when what they do
/// not know is 0.
struct ruleset_request {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;
  std::uint64_t scoped = 0;
};

/// What one may do with a file, as against with a folder.
constexpr std::uint64_t access_of_files =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
    access_truncate | access_ioctl_of_devices;
constexpr std::uint64_t access_to_read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t access_to_record =
    access_to_read | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | access_truncate;
constexpr std::uint64_t access_for_sockets =
    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE;

/// The first version has 13 kinds of access to files, and others came later, one by one.
ruleset_request request_for(long version, bool tcp) {
  ruleset_request request;
  request.handled_access_fs = (std::uint64_t{1} << 13) - 1;
  request.handled_access_fs |= version >= 2 ? access_refer : 0;
  request.handled_access_fs |= version >= 3 ? access_truncate : 0;
  request.handled_access_fs |= version >= 5 ? access_ioctl_of_devices : 0;
  if (version >= 4) {
    request.handled_access_net = access_bind_tcp | (tcp ? 0 : access_connect_tcp);
  }
  request.scoped = version >= 6 ? scope_of_signals : 0;
  return request;
}

base::result<> allow(int ruleset, std::uint64_t handled, const std::string& path,
                     std::uint64_t access) {
  const base::unique_fd opened(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat about {};
  if (!opened || ::fstat(opened.get(), &about) != 0) {
    return {};
  }
  const std::uint64_t kind = S_ISDIR(about.st_mode) ? ~std::uint64_t{0} : access_of_files;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = access & kind & handled;
  rule.parent_fd = opened.get();
  if (rule.allowed_access != 0 &&
      ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
    return base::system_failure(errno, "confine files to " + path);
  }
  return {};
}

base::result<> allow_all(int ruleset, std::uint64_t handled, const std::vector<std::string>& paths,
                         std::uint64_t access) {
  for (const std::string& each : paths) {
    if (auto allowed = allow(ruleset, handled, each, access); !allowed) {
      return allowed;
    }
  }
  return {};
}

}  // namespace

base::result<std::optional<std::string>> confine_files(const file_rules& rules) {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) {
    return std::optional<std::string>("this kernel confines no files (Landlock)");
  }
  const ruleset_request request = request_for(version, rules.tcp);
  const base::unique_fd ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &request, sizeof request, 0)));
  if (!ruleset) {
    return base::system_failure(errno, "confine files");
  }
  const std::uint64_t handled = request.handled_access_fs;
  for (const auto& [paths, access] :
       {std::pair{&rules.read, access_to_read}, std::pair{&rules.record, access_to_record},
        std::pair{&rules.sockets, access_for_sockets}}) {
    if (auto allowed = allow_all(ruleset.get(), handled, *paths, access); !allowed) {
      return allowed.error();
    }
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return base::system_failure(errno, "confine files");
  }
  return std::optional<std::string>();
}

}  // namespace captured::daemon
