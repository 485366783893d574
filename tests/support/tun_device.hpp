// SPDX-License-Identifier: MIT
//
// A tun device of the test's own: what is written to it, it receives, and what is routed to it can
// be read. By the number of its hardware type it can pass for others, such as PPP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"

namespace captured::test {

/// Lives in the network namespace of the thread that made it.
class tun_device {
 public:
  /// Nothing when there is no tun here; says "SKIPPED:" and why. `hardware_type` is an ARPHRD_
  /// number; without one it is ARPHRD_NONE. The device is up, without IPv6 of its own.
  static std::optional<tun_device> make(const std::string& name,
                                        std::optional<std::uint16_t> hardware_type = {});

  /// The device receives these octets, which begin with an IP header.
  void inject(std::span<const std::byte> packet) const;

 private:
  explicit tun_device(base::unique_fd fd) : fd_(std::move(fd)) {}

  base::unique_fd fd_;
};

/// An IPv4 packet of UDP from 192.0.2.1 to 192.0.2.2, from `source_port` to port 4000, with so many
/// octets in all, at least 32; its last four are `number`.
[[nodiscard]] std::vector<std::byte> udp_packet(std::uint16_t source_port, std::size_t bytes,
                                                std::uint32_t number = 0);

}  // namespace captured::test
