// SPDX-License-Identifier: MIT
//
// Makes a card stamp every packet that it receives (SIOCSHWTSTAMP, Documentation/networking/
// timestamping.rst). A step of its own because it takes CAP_NET_ADMIN, which is given up before
// anything is captured; that the ring then asks for these stamps is interface_options::stamps. The
// card's clock is another than the system's: keeping it right is ptp4l's or phc2sys' business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <linux/net_tstamp.h>

#include "base/error.hpp"

namespace captured::capture {

/// The calls behind it, so that tests can imitate a card.
class stamp_calls {
 public:
  virtual ~stamp_calls() = default;

  struct abilities {
    int clock_index = -1;          ///< of /dev/ptpN, -1 for none
    std::uint32_t stamps = 0;      ///< bits SOF_TIMESTAMPING_
    std::uint32_t rx_filters = 0;  ///< bit n for HWTSTAMP_FILTER_ n
  };
  /// Nothing when the driver does not say.
  [[nodiscard]] virtual std::optional<abilities> ask(const std::string& device) = 0;
  /// Both return 0 or an errno value.
  [[nodiscard]] virtual int read(const std::string& device, hwtstamp_config& config) = 0;
  [[nodiscard]] virtual int write(const std::string& device, hwtstamp_config& config) = 0;
};

/// Switches stamping of all received packets on and leaves that of sent ones as it is; nothing is
/// changed when it is on already, and no right needed. It stays on after us: others may use it.
/// Fails for a device without such a clock, one that stamps some packets only, without the right,
/// and when the driver does not do what it says.
base::result<> enable_hardware_time(const std::string& device, stamp_calls& calls);
base::result<> enable_hardware_time(const std::string& device);

}  // namespace captured::capture
