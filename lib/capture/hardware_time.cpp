// SPDX-License-Identifier: MIT
#include "capture/hardware_time.hpp"

#include <cerrno>
#include <cstring>

#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/unique_fd.hpp"
#include "capture/ethtool.hpp"

namespace captured::capture {
namespace {

class kernel_stamp_calls final : public stamp_calls {
 public:
  std::optional<abilities> ask(const std::string& device) override {
    const auto info = driver_.stamping(device);
    if (!info) {
      return std::nullopt;
    }
    return abilities{.clock_index = info->phc_index,
                     .stamps = info->so_timestamping,
                     .rx_filters = info->rx_filters};
  }
  int read(const std::string& device, hwtstamp_config& config) override {
    return call(SIOCGHWTSTAMP, device, config);
  }
  int write(const std::string& device, hwtstamp_config& config) override {
    return call(SIOCSHWTSTAMP, device, config);
  }

 private:
  int call(unsigned long request, const std::string& device, hwtstamp_config& config) {
    ifreq argument{};
    if (device.size() >= sizeof argument.ifr_name) {
      return ENODEV;
    }
    std::memcpy(argument.ifr_name, device.data(), device.size());
    argument.ifr_data = reinterpret_cast<char*>(&config);
    return ::ioctl(socket_.get(), request, &argument) == 0 ? 0 : errno;
  }

  ethtool driver_;
  base::unique_fd socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

/// Why a device with these abilities will not do, or nothing.
std::string objection(const std::optional<stamp_calls::abilities>& can) {
  constexpr std::uint32_t needed = SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE;
  if (!can || can->clock_index < 0 || (can->stamps & needed) != needed) {
    return "the device has no clock that stamps received packets";
  }
  if ((can->rx_filters & 1u << HWTSTAMP_FILTER_ALL) == 0) {
    return "the device stamps some packets only, such as those of PTP";
  }
  return {};
}

}  // namespace

base::result<> enable_hardware_time(const std::string& device, stamp_calls& calls) {
  const std::string context = "use hardware time of " + device;
  if (const std::string why = objection(calls.ask(device)); !why.empty()) {
    return base::invalid_input(context, why);
  }
  hwtstamp_config config{};
  if (calls.read(device, config) != 0) {
    config = {};  // older drivers do not tell; those that are asked for PTP by others do
  } else if (config.rx_filter == HWTSTAMP_FILTER_ALL) {
    return {};
  }
  config.rx_filter = HWTSTAMP_FILTER_ALL;
  if (const int error = calls.write(device, config); error != 0) {
    return base::system_failure(error, context);
  }
  if (config.rx_filter != HWTSTAMP_FILTER_ALL) {
    return base::invalid_input(context, "the driver does not stamp all packets, as it said");
  }
  return {};
}

base::result<> enable_hardware_time(const std::string& device) {
  kernel_stamp_calls calls;
  return enable_hardware_time(device, calls);
}

}  // namespace captured::capture
