// SPDX-License-Identifier: MIT
//
// What the machine is like, as far as it can spoil a recording: devices, file systems, clock and
// memory. Gathered in one place, so that judging them (warnings.hpp) is a pure function.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "capture/device.hpp"
#include "packet/link_type.hpp"
#include "settings/configuration.hpp"

namespace captured::daemon {

struct device_facts {
  std::string name;
  bool up = true;
  bool loopback = false;
  std::optional<packet::link_type> link = packet::link_type::ethernet;  ///< none: not supported
  std::optional<std::uint64_t> speed_bits = {};
  capture::offload_state offloads = {};
  std::string master = {};  ///< the bridge or bond that it is a port of, or empty
};

/// The file system that an output's directory lies on, or would if it were made.
struct directory_facts {
  enum class kind : std::uint8_t { disk, memory, network };
  std::string directory;  ///< as the configuration names it
  kind on = kind::disk;
  bool root = false;             ///< the root file system
  std::uint64_t size_bytes = 0;  ///< of the file system; 0 when not known
  std::uint64_t device = 0;      ///< which file system; 0 when not known
};

struct host_facts {
  std::vector<device_facts> devices;  ///< all there are
  std::vector<directory_facts> directories = {};
  std::uint64_t memory_bytes = 0;  ///< 0 when not known
  bool clock_synchronised = true;
  bool user_known = true;   ///< or none is configured
  bool group_known = true;  ///< or none is configured
};

/// Asks the kernel; what it does not tell stays as it is above. May wait for a file system that
/// does not answer: not for a thread that others wait for.
[[nodiscard]] host_facts gather_facts(const settings::configuration& wanted);

}  // namespace captured::daemon
