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

base::result<packet::link_type> link_type_of(const device& link) {
  if (link.hardware_type == ARPHRD_ETHER || link.hardware_type == ARPHRD_LOOPBACK) {
    return packet::link_type::ethernet;
  }
  return base::invalid_input(
      "capture on " + link.name,
      "link type " + std::to_string(link.hardware_type) + " not supported yet");
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
