// SPDX-License-Identifier: MIT
#include "daemon/host_facts.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>

#include "capture/clock_state.hpp"
#include "daemon/accounts.hpp"

namespace captured::daemon {

namespace {

// linux/magic.h leaves it to the file system's own source.
constexpr std::uint32_t cifs_magic = 0xff534d42;

std::vector<device_facts> gather_devices() {
  const auto devices = capture::all_devices();
  if (!devices) {
    return {};
  }
  std::vector<device_facts> facts;
  for (const capture::device& each : *devices) {
    device_facts one{.name = each.name, .up = each.up, .loopback = each.loopback};
    one.link = capture::link_type_of(each);
    if (const auto asked = capture::find_device(each.name)) {
      one.speed_bits = asked->speed_bits;  // which the driver has to be asked for
    }
    one.offloads = capture::offloads_of(each.name);
    const auto master = std::ranges::find(*devices, each.master, &capture::device::index);
    one.master = each.master != 0 && master != devices->end() ? master->name : "";
    facts.push_back(std::move(one));
  }
  return facts;
}

directory_facts gather_directory(const std::string& directory) {
  directory_facts facts{.directory = directory};
  std::error_code error;
  auto existing = std::filesystem::absolute(directory, error);
  while (existing.has_relative_path() && !std::filesystem::exists(existing, error)) {
    existing = existing.parent_path();
  }
  struct statfs system {};
  struct stat here {};
  struct stat root {};
  if (::statfs(existing.c_str(), &system) != 0 || ::stat(existing.c_str(), &here) != 0 ||
      ::stat("/", &root) != 0) {
    return facts;
  }
  const auto magic = static_cast<std::uint32_t>(system.f_type);
  if (magic == TMPFS_MAGIC || magic == RAMFS_MAGIC) {
    facts.on = directory_facts::kind::memory;
  } else if (magic == NFS_SUPER_MAGIC || magic == SMB2_SUPER_MAGIC || magic == cifs_magic ||
             magic == CEPH_SUPER_MAGIC) {
    facts.on = directory_facts::kind::network;
  }
  facts.root = here.st_dev == root.st_dev;
  facts.device = here.st_dev;
  facts.size_bytes =
      static_cast<std::uint64_t>(system.f_blocks) * static_cast<std::uint64_t>(system.f_bsize);
  return facts;
}

std::uint64_t memory_bytes() {
  struct sysinfo info {};
  return ::sysinfo(&info) == 0 ? std::uint64_t{info.totalram} * info.mem_unit : 0;
}

}  // namespace

host_facts gather_facts(const settings::configuration& wanted) {
  host_facts facts{.devices = gather_devices()};
  for (const auto& each : wanted.outputs) {
    facts.directories.push_back(gather_directory(each.files.directory));
    if (!each.files.fallback.empty()) {
      facts.directories.push_back(gather_directory(each.files.fallback));
    }
  }
  facts.memory_bytes = memory_bytes();
  const auto clock = capture::read_clock_state();
  facts.clock_synchronised = !clock || clock->synchronised;
  facts.user_known = wanted.user.empty() || find_user("user", wanted.user).has_value();
  facts.group_known =
      wanted.control.group.empty() || find_group("control.group", wanted.control.group).has_value();
  return facts;
}

}  // namespace captured::daemon
