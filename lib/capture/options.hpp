// SPDX-License-Identifier: MIT
//
// What can be chosen for one captured interface. Defaults are those of the shipped configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace captured::capture {

/// Memory shared with the kernel. `size / block` blocks are made; more blocks survive a longer
/// stall of the disk, a longer timeout wastes less of each block on a slow link but shows packets
/// later.
struct ring_options {
  std::uint64_t size_bytes = std::uint64_t{64} << 20;  ///< a multiple of block_bytes
  std::uint32_t block_bytes = 1u << 20;                ///< a power of two, at least 4 KiB
  std::chrono::milliseconds timeout{100};              ///< a block with packets retires after this

  bool operator==(const ring_options&) const = default;
};

enum class direction : std::uint8_t {
  automatic,  ///< both; on loopback `in`, where each packet would otherwise come twice
  both,
  in,
  out,
};

/// Whose clock stamps the packets.
enum class stamp_source : std::uint8_t {
  software,  ///< the system's, when the kernel judges the packet
  /// The card's, for those packets that it stamps (packet_view::hardware_stamp); for others, such
  /// as those that are sent, the system's. `enable_hardware_time` must have been called.
  hardware,
};

struct interface_options {
  std::string name = {};    ///< exact name of the device
  std::string filter = {};  ///< libpcap syntax (pcap-filter(7)); empty takes everything
  /// The same; what matches it is not wanted, where the device's filter can tell.
  std::string left_out = {};
  std::uint32_t snaplen = 262144;  ///< octets kept of each packet, cut by the kernel
  bool promiscuous = true;
  direction which = direction::automatic;
  stamp_source stamps = stamp_source::software;
  ring_options ring = {};

  bool operator==(const interface_options&) const = default;
};

}  // namespace captured::capture
