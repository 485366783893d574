// SPDX-License-Identifier: MIT
#include "daemon/sandbox.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "daemon/accounts.hpp"
#include "daemon/system_call_filter.hpp"
#include "storage/output_directory.hpp"

namespace captured::daemon {

namespace {

namespace fs = std::filesystem;

constexpr mode_t socket_folder_mode = 0755;

/// What the C library and libpcap read: names in filters (nsswitch.conf(5), resolver(5)), the
/// libraries that look them up, time zones; and what the kernel tells of devices, memory and
/// ourselves. Not all of /etc for a recorder that runs as root, which could read the passwords
/// there; to others it is open, since its files are exchanged for new ones.
constexpr std::array system_files{"/etc/ethers",
                                  "/etc/gai.conf",
                                  "/etc/group",
                                  "/etc/host.conf",
                                  "/etc/hosts",
                                  "/etc/ld.so.cache",
                                  "/etc/localtime",
                                  "/etc/networks",
                                  "/etc/nsswitch.conf",
                                  "/etc/passwd",
                                  "/etc/protocols",
                                  "/etc/resolv.conf",
                                  "/etc/services",
                                  "/etc/timezone",
                                  "/lib",
                                  "/lib64",
                                  "/usr/lib",
                                  "/usr/lib64",
                                  "/usr/share/zoneinfo",
                                  "/run/systemd/resolve",
                                  "/var/lib/misc",
                                  "/proc",
                                  "/sys/class/net",
                                  "/sys/devices",
                                  "/dev/null",
                                  "/dev/urandom"};

fs::path without_links(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  fs::path resolved = fs::weakly_canonical(absolute, error);
  resolved = error ? absolute.lexically_normal() : resolved;
  return resolved.has_filename() ? resolved : resolved.parent_path();  // no slash at its end
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::optional<dev_t> device_of(const fs::path& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 ? std::optional(about.st_dev) : std::nullopt;
}

/// The folder in which the disk is mounted that holds this one, as far as can be told now: it may
/// not be mounted yet, and then it will be anywhere below the root.
fs::path folder_of_mount(fs::path directory) {
  const auto root = device_of("/");
  while (!is_there(directory)) {
    directory = directory.parent_path();
  }
  const auto device = device_of(directory);
  if (!device || device == root) {
    return "/";
  }
  while (device_of(directory) == device && directory != directory.root_path()) {
    directory = directory.parent_path();
  }
  return directory;
}

/// Makes it with the folders above it; what fails here, its output says.
void make_folder(const fs::path& folder, const storage::output_options& output) {
  const auto rights = rights_of(output);
  (void)storage::output_directory::open(folder.string(), false,
                                        rights ? *rights : storage::file_rights{});
}

/// See files_needed.
fs::path lasting_folder(const std::string& path, const storage::output_options& output,
                        std::vector<std::string>& remarks) {
  const fs::path directory = without_links(path);
  if (output.require_mount && path == output.directory) {
    fs::path above = folder_of_mount(directory);
    if (above == above.root_path()) {
      remarks.push_back("output " + output.name +
                        ": its disk is mounted below / itself, where it may come and go; so files "
                        "are confined to no folder");
    }
    return above;
  }
  fs::path above = directory.parent_path();
  if (above == above.root_path()) {
    if (!is_there(directory)) {
      make_folder(directory, output);  // nothing can be made at the root later
    }
    return directory;
  }
  if (!is_there(above)) {
    make_folder(above, output);
  }
  while (!is_there(above)) {
    above = above.parent_path();
  }
  return above == above.root_path() ? directory : above;
}

/// The folder of a file, since editors put another in its place; but not the root.
std::string folder_or_file(const fs::path& file) {
  const fs::path folder = file.parent_path();
  return folder == folder.root_path() ? file.string() : folder.string();
}

/// The same for a file that is read; root gets the file alone where the folder is /etc, too.
std::string readable(const fs::path& file) {
  return ::geteuid() == 0 && file.parent_path() == "/etc" ? file.string() : folder_or_file(file);
}

bool lies_beneath(const fs::path& path, const fs::path& folder) {
  const auto [mine, other] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return mine == folder.end();
}

}  // namespace

std::vector<base::failure> sandbox::refusals(const settings::configuration& wanted) const {
  std::vector<base::failure> refused;
  const auto is_inside = [this](const std::string& directory) {
    return std::any_of(
        folders.begin(), folders.end(),
        [path = without_links(directory)](const fs::path& one) { return lies_beneath(path, one); });
  };
  for (const pipeline::output_options& output : wanted.outputs) {
    for (const std::string& each : directories_of(output.files)) {
      if (confines && !is_inside(each)) {
        refused.push_back(base::invalid_input(
            "output " + output.files.name,
            "directory " + each +
                " lies outside of what this captured may write to since it was started "
                "(sandbox); restart it to take this up"));
      }
    }
  }
  for (const settings::stream_settings& each : wanted.streams) {
    if (lacks_tcp) {
      refused.push_back(base::invalid_input(
          "stream " + each.name,
          "this captured was started without streams and can make no connections any more "
          "(sandbox); restart it to take this up"));
    }
  }
  return refused;
}

file_rules files_needed(const settings::configuration& wanted,
                        const std::string& configuration_file, const std::string& ledger_file,
                        std::vector<std::string>& remarks) {
  file_rules rules;
  rules.read.assign(system_files.begin(), system_files.end());
  if (::geteuid() != 0) {
    rules.read.emplace_back("/etc");
  }
  if (!configuration_file.empty()) {
    std::error_code error;
    rules.read.push_back(readable(fs::absolute(configuration_file, error)));
    rules.read.push_back(readable(without_links(configuration_file)));
  }
  for (const pipeline::output_options& output : wanted.outputs) {
    for (const std::string& each : directories_of(output.files)) {
      const fs::path folder = without_links(each);
      const fs::path lasting = lasting_folder(each, output.files, remarks);
      rules.record.push_back(lasting.string());
      // From a disk that is unmounted while files are open on it no way leads up to the folder
      // above: what is to be closed there needs a right within.
      if (lasting != folder && is_there(folder)) {
        rules.record.push_back(folder.string());
      }
    }
  }
  rules.tcp = !wanted.streams.empty();
  for (const settings::stream_settings& stream : wanted.streams) {
    rules.read.emplace_back("/etc/ssl");
    for (const std::string* file :
         {&stream.tls.authorities, &stream.tls.certificate, &stream.tls.key}) {
      if (!file->empty()) {
        rules.read.push_back(readable(without_links(*file)));
      }
    }
  }
  if (!ledger_file.empty()) {
    rules.record.push_back(folder_or_file(without_links(ledger_file)));
  }
  if (!wanted.control.socket.empty()) {
    const fs::path folder = fs::path(wanted.control.socket).parent_path();
    ::mkdir(folder.c_str(), socket_folder_mode);  // what fails here is said when it is needed
    rules.sockets.push_back(folder.string());
  }
  return rules;
}

sandbox enter_sandbox(const settings::configuration& wanted, const std::string& configuration_file,
                      const std::string& ledger_file) {
  sandbox entered;
  if (wanted.sandbox == settings::sandbox_mode::off) {
    return entered;
  }
  const auto note = [&entered](const base::result<std::optional<std::string>>& how) {
    if (!how || *how) {
      entered.warnings.push_back((how ? **how : how.error().message()) +
                                 "; the recording goes on without");
    }
    return how && !*how;
  };
  const file_rules rules = files_needed(wanted, configuration_file, ledger_file, entered.remarks);
  for (const std::string& each : rules.record) {
    entered.folders.push_back(without_links(each));
  }
  entered.confines = note(confine_files(rules));
  const bool filtered =
      note(filter_system_calls({.tcp = rules.tcp, .packet_sockets = wanted.spare_sockets == 0}));
  entered.lacks_tcp = (entered.confines || filtered) && !rules.tcp;
  return entered;
}

}  // namespace captured::daemon
