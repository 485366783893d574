// SPDX-License-Identifier: MIT
#include "daemon/warnings.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <tuple>

#include <fnmatch.h>
#include <spdlog/fmt/fmt.h>

#include "daemon/stall.hpp"
#include "daemon/warnings_format.hpp"
#include "pipeline/record_form.hpp"
#include "settings/units.hpp"

namespace captured::daemon {

namespace {

using remarks = std::vector<settings::remark>;
using settings::size_text;

constexpr std::uint32_t snaplen_few = 64;  // Ethernet, IPv6 and a bit of UDP
constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t ring_step_bytes = 16 * mib;  // so that a size that is named is a plain one

std::string gib_text(std::uint64_t bytes) {
  return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / static_cast<double>(1024 * mib));
}

std::string link_text(packet::link_type link) {
  switch (link) {
    case packet::link_type::ethernet:
      return "Ethernet";
    case packet::link_type::raw_ip:
    case packet::link_type::ipv4:
    case packet::link_type::ipv6:
      return "raw IP";
    case packet::link_type::linux_sll:
    case packet::link_type::linux_sll2:
      return "Linux cooked";
    default:
      return "link type " + std::to_string(static_cast<unsigned>(link));
  }
}

/// One entry of the configuration with the devices that it takes now.
struct entry {
  const settings::interface_settings* one;
  std::string path;
  std::vector<const device_facts*> devices = {};
};

/// An exact name of the same output holds before a pattern, the first pattern before others, and
/// patterns take what is switched on.
bool takes(const settings::configuration& wanted, const settings::interface_settings& one,
           const device_facts& device) {
  const auto fits = [&device](const settings::interface_settings& other) {
    return ::fnmatch(other.device.name.c_str(), device.name.c_str(), 0) == 0;
  };
  if (!one.is_pattern()) {
    return one.device.name == device.name;
  }
  return device.up && fits(one) && std::ranges::none_of(wanted.interfaces, [&](const auto& other) {
           const bool before =
               other.is_pattern() ? &other < &one && fits(other) : other.device.name == device.name;
           return before && other.output == one.output;
         });
}

std::vector<entry> entries_of(const settings::configuration& wanted, const host_facts& host) {
  std::vector<entry> entries;
  for (const auto& one : wanted.interfaces) {
    entry made{&one, "interfaces[" + std::to_string(entries.size()) + "]"};
    for (const auto& device : host.devices) {
      if (takes(wanted, one, device)) {
        made.devices.push_back(&device);
      }
    }
    entries.push_back(std::move(made));
  }
  return entries;
}

void judge_presence(const entry& each, remarks& found) {
  const auto& name = each.one->device.name;
  if (each.devices.empty()) {
    const char* what = each.one->is_pattern() ? "no device fits the pattern now; one"
                                              : "there is no such device now; it";
    found.push_back({each.path + ".name",
                     fmt::format("interface {}: {} is recorded when it appears", name, what)});
  }
  for (const auto* device : each.devices) {
    if (!device->up) {
      found.push_back({each.path + ".name",
                       fmt::format("interface {0}: it is switched off; `ip link set {0} up` "
                                   "switches it on",
                                   device->name)});
    }
  }
}

void judge_offloads(const entry& each, const device_facts& device, remarks& found) {
  if (!device.offloads.glues_received() || device.loopback) {
    return;
  }
  const bool gro = device.offloads.generic_receive;
  const bool lro = device.offloads.large_receive;
  found.push_back(
      {each.path + ".name",
       fmt::format("interface {0}: {1}: packets are glued together before they are recorded, "
                   "longer than any on the wire; `ethtool -K {0}{2}{3}` ends that",
                   device.name,
                   gro && lro ? "GRO and LRO are on"
                   : gro      ? "GRO is on"
                              : "LRO is on",
                   gro ? " gro off" : "", lro ? " lro off" : "")});
}

void judge_ring(const entry& each, const device_facts& device, remarks& found) {
  if (!device.speed_bits || *device.speed_bits == 0 || device.loopback) {
    return;
  }
  const auto needed = ring_bytes_for_a_second(*device.speed_bits);
  const auto all = each.one->device.ring.size_bytes * each.one->queues;
  if (all >= needed) {
    return;
  }
  const auto of_each = (needed + each.one->queues - 1) / each.one->queues;
  const auto better = (of_each + ring_step_bytes - 1) / ring_step_bytes * ring_step_bytes;
  found.push_back(
      {each.path + ".ring.size",
       fmt::format(
           "interface {}: the ring of {} holds {}: when the disk stalls longer, packets "
           "are lost; ring.size: {} holds a second",
           device.name, size_text(all),
           stall_text(each.one->device.ring.size_bytes, each.one->queues, device.speed_bits),
           size_text(better))});
}

void judge_packets(const entry& each, remarks& found) {
  const auto& options = each.one->device;
  if (options.snaplen < snaplen_few) {
    found.push_back({each.path + ".snaplen",
                     fmt::format("interface {}: snaplen: {} cuts inside the headers of most "
                                 "packets; 128 keeps them",
                                 options.name, options.snaplen)});
  }
  for (const auto* device : each.devices) {
    if (device->loopback && options.which == capture::direction::both) {
      found.push_back({each.path + ".direction",
                       fmt::format("interface {}: direction: both records each packet twice on "
                                   "loopback; auto records it once",
                                   device->name)});
    }
  }
}

void judge_bridges(const entry& each, const std::vector<entry>& all, remarks& found) {
  for (const auto* device : each.devices) {
    const bool with_master = std::ranges::any_of(all, [device](const entry& other) {
      return std::ranges::any_of(other.devices, [device](const device_facts* candidate) {
        return candidate->name == device->master;
      });
    });
    if (!device->master.empty() && with_master) {
      found.push_back({each.path + ".name",
                       fmt::format("interface {}: it is a port of {}, which is recorded too: "
                                   "packets that pass both are recorded twice",
                                   device->name, device->master)});
    }
  }
}

void judge_format(const pipeline::output_options& one, const std::string& path,
                  const std::vector<entry>& entries, remarks& found) {
  if (std::string remark = format_remark(one); !remark.empty()) {
    found.push_back({path + ".format", std::move(remark)});
  }
  for (const auto& each : entries) {
    for (const auto* device : each.devices) {
      if (each.one->output == one.files.name && device->link &&
          !pipeline::holds_link_type(one.format, *device->link)) {
        found.push_back({each.path + ".name",
                         fmt::format("interface {}: {} cannot be recorded as lpcap, the format of "
                                     "output {}",
                                     device->name, link_text(*device->link), one.files.name)});
      }
    }
  }
}

/// Link types that come together in a file, by the first device that has each.
void judge_link_types(const pipeline::output_options& one, const std::string& path,
                      const std::vector<entry>& entries, remarks& found) {
  std::map<std::string, std::string> names;  // by link type
  for (const auto& each : entries) {
    for (const auto* device : each.devices) {
      if (each.one->output == one.files.name && device->link) {
        auto& list = names[link_text(*device->link)];
        list += (list.empty() ? "" : ", ") + device->name;
      }
    }
  }
  if (names.size() < 2 || one.link_types == pipeline::link_type_policy::split ||
      one.format != pipeline::file_format::pcapng) {
    return;
  }
  std::string text;
  for (const auto& [link, devices] : names) {
    text += (text.empty() ? "" : "; ") + link + ": " + devices;
  }
  found.push_back({path + ".link_types",
                   fmt::format("output {}: different link types in one file ({}): Wireshark reads "
                               "it, tcpdump and all others on libpcap do not; link_types: split "
                               "writes a series of files for each",
                               one.files.name, text)});
}

void judge_limits(const storage::output_options& files, const std::string& path, remarks& found) {
  const auto& [rotate, retain] = std::tie(files.rotate, files.retain);
  const std::string name = "output " + files.name + ": ";
  const bool ends = rotate.size_bytes != 0 || rotate.interval.count() != 0 || rotate.packets != 0;
  const bool limits_space =
      retain.size_bytes != 0 || retain.free_bytes != 0 || retain.free_percent != 0;
  if (!ends) {
    found.push_back({path + ".rotate", name + "no limit in rotate: its file ends by SIGHUP alone, "
                                              "and what is not finished is never removed"});
  } else if (retain.size_bytes != 0 && rotate.size_bytes == 0) {
    found.push_back({path + ".rotate.size",
                     name + "rotate.size is 0: the open file can grow beyond retain.size, " +
                         size_text(retain.size_bytes) + ", which counts finished files"});
  }
  if (!limits_space && retain.files == 0) {
    found.push_back(
        {path + ".retain", name + (retain.age.count() == 0
                                       ? "no limit in retain: it records until the disk is full"
                                       : "retain.age limits no space: busy days can fill the disk; "
                                         "retain.free keeps some free")});
  }
}

void judge_directory(const storage::output_options& files, const std::string& path,
                     const directory_facts& on, remarks& found) {
  const std::string name = "output " + files.name + ": ";
  if (on.on == directory_facts::kind::memory) {
    found.push_back(
        {path + ".directory", name + on.directory +
                                  " lies in memory (tmpfs): files take memory there, and " +
                                  "are gone with the next start of the machine"});
  } else if (on.on == directory_facts::kind::network) {
    found.push_back({path + ".directory",
                     name + on.directory + " lies on a network file system: whenever the network " +
                         "waits, packets wait in the ring"});
  } else if (on.root) {
    found.push_back({path + ".directory",
                     name + on.directory +
                         " lies on the root file system: when that is full, the " +
                         "whole machine suffers; give it one of its own and set require_mount"});
  }
}

void judge_fallback(const storage::output_options& files, const std::string& path,
                    const host_facts& host, remarks& found) {
  const auto at = [&host](const std::string& directory) {
    return std::ranges::find(host.directories, directory, &directory_facts::directory);
  };
  const auto first = at(files.directory);
  const auto second = at(files.fallback);
  const auto end = host.directories.end();
  if (first != end && second != end && first->device != 0 && first->device == second->device) {
    found.push_back({path + ".fallback",
                     fmt::format("output {}: {} lies on the same file system as {}: when one is "
                                 "full or fails, so does the other",
                                 files.name, files.fallback, files.directory)});
  }
}

void judge_capacity(const storage::output_options& files, const std::string& path,
                    const directory_facts& on, remarks& found) {
  const auto& retain = files.retain;
  const bool keeps_free = retain.free_bytes != 0 || retain.free_percent != 0;
  const std::string holds =
      "the file system of " + on.directory + " holds " + gib_text(on.size_bytes);
  if (on.size_bytes == 0) {
    return;
  }
  if (retain.size_bytes > on.size_bytes && !keeps_free) {
    found.push_back({path + ".retain.size",
                     fmt::format("output {}: retain.size is {}, but {}: it is full before a file "
                                 "is removed; retain.free keeps some free",
                                 files.name, size_text(retain.size_bytes), holds)});
  }
  // The next file is made, and its space reserved, before the current one ends.
  if (files.preallocate && files.rotate.size_bytes > on.size_bytes / 2) {
    found.push_back({path + ".rotate.size",
                     fmt::format("output {}: rotate.size is {}, but {}, and two files of that "
                                 "size are reserved at a time",
                                 files.name, size_text(files.rotate.size_bytes), holds)});
  }
}

void judge_machine(const settings::configuration& wanted, const std::vector<entry>& entries,
                   const host_facts& host, remarks& found) {
  if (wanted.writer.threads > wanted.outputs.size()) {
    found.push_back({"writer.threads",
                     fmt::format("writer.threads: {} for {} output{}: each output uses one at a "
                                 "time, the others idle",
                                 wanted.writer.threads, wanted.outputs.size(),
                                 wanted.outputs.size() == 1 ? "" : "s")});
  }
  if (!host.user_known) {
    found.push_back({"user", "user: there is no user " + wanted.user + " here; a start as root " +
                                 "would fail"});
  }
  if (!host.group_known) {
    found.push_back({"control.group", "control.group: there is no group " + wanted.control.group +
                                          " here; there would be no control socket"});
  }
  std::uint64_t rings = 0;
  for (const auto& each : entries) {
    rings += each.devices.size() * each.one->device.ring.size_bytes * each.one->queues;
  }
  if (host.memory_bytes != 0 && rings > host.memory_bytes / 2) {
    found.push_back(
        {"interfaces", fmt::format("the rings take {} of the {} of memory that the machine has",
                                   gib_text(rings), gib_text(host.memory_bytes))});
  }
  if (!host.clock_synchronised) {
    found.push_back({"",
                     "the clock is not synchronised: the times of packets may be wrong, and "
                     "jump when it is set; `timedatectl set-ntp true` keeps it right"});
  }
}

}  // namespace

remarks warnings_for(const settings::configuration& wanted, const host_facts& host, occasion when) {
  const auto entries = entries_of(wanted, host);
  remarks found;
  for (const auto& each : entries) {
    if (when == occasion::check) {
      judge_presence(each, found);
    }
    for (const auto* device : each.devices) {
      judge_offloads(each, *device, found);
      judge_ring(each, *device, found);
    }
    judge_packets(each, found);
    judge_bridges(each, entries, found);
  }
  for (std::size_t i = 0; i < wanted.outputs.size(); ++i) {
    const auto& files = wanted.outputs[i].files;
    const std::string path = "outputs[" + std::to_string(i) + "]";
    judge_link_types(wanted.outputs[i], path, entries, found);
    judge_format(wanted.outputs[i], path, entries, found);
    if (when == occasion::quick_recording) {
      continue;
    }
    judge_limits(files, path, found);
    const auto on =
        std::ranges::find(host.directories, files.directory, &directory_facts::directory);
    if (on != host.directories.end()) {
      judge_directory(files, path, *on, found);
      judge_capacity(files, path, *on, found);
    }
    judge_fallback(files, path, host, found);
  }
  judge_machine(wanted, entries, host, found);
  // A device that stands in two entries is said of once.
  remarks once;
  for (auto& each : found) {
    if (std::ranges::find(once, each.text, &settings::remark::text) == once.end()) {
      once.push_back(std::move(each));
    }
  }
  return once;
}

}  // namespace captured::daemon
