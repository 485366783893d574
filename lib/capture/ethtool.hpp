// SPDX-License-Identifier: MIT
//
// The ethtool ioctls that a recorder needs (linux/ethtool.h). Reads only; a driver that does not
// answer is no failure but an absent value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <linux/ethtool.h>

#include "base/unique_fd.hpp"

namespace captured::capture {

/// Asks about devices by name, over one socket. Any thread, one at a time.
class ethtool {
 public:
  ethtool() noexcept;

  /// Bits per second; nothing for virtual devices and links that are down.
  [[nodiscard]] std::optional<std::uint64_t> speed_bits(const std::string& device) const noexcept;
  /// Driver and bus address, "virtio_net, bus 0000:00:03.0"; empty when not known.
  [[nodiscard]] std::string hardware(const std::string& device) const;
  /// An on/off setting by its ETHTOOL_G… command, such as ETHTOOL_GGRO.
  [[nodiscard]] std::optional<std::uint32_t> setting(const std::string& device,
                                                     std::uint32_t command) const noexcept;
  /// What its clock can stamp (ETHTOOL_GET_TS_INFO).
  [[nodiscard]] std::optional<ethtool_ts_info> stamping(const std::string& device) const noexcept;

 private:
  bool ask(const std::string& device, void* request) const noexcept;

  base::unique_fd socket_;
};

}  // namespace captured::capture
