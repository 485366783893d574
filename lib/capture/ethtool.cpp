// SPDX-License-Identifier: MIT
#include "capture/ethtool.hpp"

#include <array>
#include <cstring>

#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace captured::capture {
namespace {

/// Words of each of the three link-mode masks that follow the settings; the kernel says how many.
constexpr std::size_t link_mode_words_max = 127;

/// ethtool_link_settings ends with an array of open length, so it lies in words of ours.
using link_settings_request =
    std::array<std::uint32_t,
               sizeof(ethtool_link_settings) / sizeof(std::uint32_t) + 3 * link_mode_words_max>;

link_settings_request link_settings_question(std::int8_t link_mode_words) noexcept {
  ethtool_link_settings settings{};
  settings.cmd = ETHTOOL_GLINKSETTINGS;
  settings.link_mode_masks_nwords = link_mode_words;
  link_settings_request request{};
  std::memcpy(request.data(), &settings, sizeof settings);
  return request;
}

ethtool_link_settings settings_in(const link_settings_request& answer) noexcept {
  ethtool_link_settings settings{};
  std::memcpy(&settings, answer.data(), sizeof settings);
  return settings;
}

template <std::size_t Size>
std::string text_of(const char (&field)[Size]) {
  return {field, ::strnlen(field, Size)};
}

}  // namespace

ethtool::ethtool() noexcept : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

bool ethtool::ask(const std::string& device, void* request) const noexcept {
  ifreq argument{};
  if (device.size() >= sizeof argument.ifr_name) {
    return false;
  }
  std::memcpy(argument.ifr_name, device.data(), device.size());
  argument.ifr_data = static_cast<char*>(request);
  return ::ioctl(socket_.get(), SIOCETHTOOL, &argument) == 0;
}

std::optional<std::uint64_t> ethtool::speed_bits(const std::string& device) const noexcept {
  // The first question, with no room for masks, is answered by minus the number of words; the
  // second is the real one.
  link_settings_request request = link_settings_question(0);
  if (!ask(device, request.data())) {
    return std::nullopt;
  }
  const int words = -settings_in(request).link_mode_masks_nwords;
  if (words <= 0 || words > static_cast<int>(link_mode_words_max)) {
    return std::nullopt;
  }
  request = link_settings_question(static_cast<std::int8_t>(words));
  if (!ask(device, request.data())) {
    return std::nullopt;
  }
  const std::uint32_t megabits = settings_in(request).speed;
  if (megabits == 0 || megabits == static_cast<std::uint32_t>(SPEED_UNKNOWN)) {
    return std::nullopt;
  }
  return std::uint64_t{megabits} * 1'000'000;
}

std::string ethtool::hardware(const std::string& device) const {
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  if (!ask(device, &info)) {
    return {};
  }
  const std::string bus = text_of(info.bus_info);
  return text_of(info.driver) + (bus.empty() ? "" : ", bus " + bus);
}

std::optional<ethtool_ts_info> ethtool::stamping(const std::string& device) const noexcept {
  ethtool_ts_info info{};
  info.cmd = ETHTOOL_GET_TS_INFO;
  return ask(device, &info) ? std::optional(info) : std::nullopt;
}

std::optional<std::uint32_t> ethtool::setting(const std::string& device,
                                              std::uint32_t command) const noexcept {
  ethtool_value value{};
  value.cmd = command;
  if (!ask(device, &value)) {
    return std::nullopt;
  }
  return value.data;
}

}  // namespace captured::capture
