// SPDX-License-Identifier: MIT
//
// What the kernel knows of a network device, asked by netlink and ethtool calls, which see the
// caller's network namespace (sysfs would show another's). A snapshot: nothing here watches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "packet/link_type.hpp"

namespace captured::capture {

struct device {
  std::string name = {};
  int index = 0;                    ///< the kernel's ifindex
  int master = 0;                   ///< index of the bridge or bond that it is a port of, or 0
  std::uint16_t hardware_type = 0;  ///< ARPHRD_ number (linux/if_arp.h)
  bool loopback = false;
  bool up = false;       ///< switched on by the administrator
  bool running = false;  ///< has a carrier
  std::uint32_t mtu = 0;
  std::optional<std::array<std::byte, 6>> mac = {};  ///< absent on loopback and without Ethernet
  std::optional<std::uint64_t> speed_bits = {};      ///< per second; absent when not known
  std::string hardware = {};                         ///< "virtio_net, bus 0000:00:03.0", or empty
  std::string description = {};  ///< the alias that an administrator gave, or empty

  bool operator==(const device&) const = default;
};

/// The device of exactly this name. Fails with ENODEV when there is none.
[[nodiscard]] base::result<device> find_device(const std::string& name);

/// Every device that is switched on, of whatever link type, in the kernel's order.
[[nodiscard]] base::result<std::vector<device>> devices_that_are_up();

/// Every device, switched on or not, without speed and hardware, which `find_device` asks the
/// driver for.
[[nodiscard]] base::result<std::vector<device>> all_devices();

/// How the link layer of its packets is named in files: Ethernet, bare IP where a socket is given
/// just that, a Linux cooked header for everything else. The same as libpcap's choice.
[[nodiscard]] packet::link_type link_type_of(const device&) noexcept;

/// Whether card or kernel glue packets together before a packet socket sees them: what is recorded
/// then never was on the wire in that form.
struct offload_state {
  bool generic_receive = false;  ///< GRO
  bool large_receive = false;    ///< LRO
  bool segmentation = false;     ///< TSO or GSO, seen on outgoing packets

  [[nodiscard]] bool glues_received() const noexcept { return generic_receive || large_receive; }
};

/// What cannot be found out counts as off.
[[nodiscard]] offload_state offloads_of(const std::string& device_name) noexcept;

}  // namespace captured::capture
