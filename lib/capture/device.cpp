// SPDX-License-Identifier: MIT
#include "capture/device.hpp"

#include <utility>

#include <linux/ethtool.h>
#include <linux/if_arp.h>

#include "capture/ethtool.hpp"
#include "capture/link_query.hpp"

namespace captured::capture {
namespace {

void add_driver_facts(device& link, const ethtool& driver) {
  link.speed_bits = driver.speed_bits(link.name);
  link.hardware = driver.hardware(link.name);
}

}  // namespace

base::result<device> find_device(const std::string& name) {
  if (name.empty()) {
    return base::system_failure(ENODEV, "find device without a name");
  }
  auto links = query_links(name);
  if (!links) {
    return links.error();
  }
  // Asked for an alternative name, the kernel answers with the device's own.
  if (links->empty() || links->front().name != name) {
    return base::system_failure(ENODEV, "find " + name);
  }
  device found = std::move(links->front());
  add_driver_facts(found, ethtool());
  return found;
}

base::result<std::vector<device>> devices_that_are_up() {
  auto links = query_links({});
  if (!links) {
    return links.error();
  }
  std::erase_if(*links, [](const device& link) { return !link.up; });
  const ethtool driver;
  for (device& link : *links) {
    add_driver_facts(link, driver);
  }
  return std::move(*links);
}

base::result<std::vector<device>> all_devices() {
  return query_links({});
}

packet::link_type link_type_of(const device& link) noexcept {
  switch (link.hardware_type) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK:
      return packet::link_type::ethernet;
    // Tunnels of other kinds (GRE, IPv6) carry more than IP or show a header on the way out only:
    // in a cooked header the protocol is told.
    case ARPHRD_NONE:
    case ARPHRD_TUNNEL:
    case ARPHRD_SIT:
    case ARPHRD_SLIP:
    case ARPHRD_CSLIP:
    case ARPHRD_SLIP6:
    case ARPHRD_CSLIP6:
      return packet::link_type::raw_ip;
    // Version 1, as libpcap for a single device: every reader knows it, and what version 2 adds,
    // the device's number, stands in the interface description.
    default:
      return packet::link_type::linux_sll;
  }
}

offload_state offloads_of(const std::string& device_name) noexcept {
  const ethtool driver;
  const auto on = [&](std::uint32_t command, std::uint32_t mask) {
    return (driver.setting(device_name, command).value_or(0) & mask) != 0;
  };
  return {.generic_receive = on(ETHTOOL_GGRO, ~0u),
          .large_receive = on(ETHTOOL_GFLAGS, ETH_FLAG_LRO),
          .segmentation = on(ETHTOOL_GTSO, ~0u) || on(ETHTOOL_GGSO, ~0u)};
}

}  // namespace captured::capture
