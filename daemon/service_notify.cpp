// SPDX-License-Identifier: MIT
#include "daemon/service_notify.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>

#include <systemd/sd-daemon.h>

namespace captured::daemon {

service_notify::service_notify() : has_manager_(std::getenv("NOTIFY_SOCKET") != nullptr) {
  const char* const most = std::getenv("FDSTORE");  // since systemd 254
  keeps_descriptors_ = has_manager_ && (most == nullptr || std::strtoul(most, nullptr, 10) > 0);
  std::uint64_t interval_us = 0;
  if (::sd_watchdog_enabled(0, &interval_us) > 0) {
    watchdog_ = std::chrono::microseconds(interval_us);
  }
}

void service_notify::say(const std::string& state) const {
  // 0: the environment stays as it is, for it must not be changed once threads run.
  ::sd_notify(0, state.c_str());
}

void service_notify::reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds =
      static_cast<long long>(now.tv_sec) * 1'000'000 + static_cast<long long>(now.tv_nsec) / 1'000;
  say("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds));
}

void service_notify::status(std::string text) const {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  say("STATUS=" + text);
}

void service_notify::keep(const std::string& name, std::span<const int> descriptors) const {
  const std::string state = "FDSTORE=1\nFDPOLL=0\nFDNAME=" + name;
  ::sd_pid_notify_with_fds(0, 0, state.c_str(), descriptors.data(),
                           static_cast<unsigned>(descriptors.size()));
}

void service_notify::forget(const std::string& name) const {
  say("FDSTOREREMOVE=1\nFDNAME=" + name);
}

std::vector<service_notify::kept_descriptor> service_notify::take_kept() {
  std::vector<kept_descriptor> kept;
  char** names = nullptr;
  const int count = ::sd_listen_fds_with_names(0, &names);
  for (int i = 0; i < count; ++i) {
    kept.push_back({names[i], base::unique_fd(SD_LISTEN_FDS_START + i)});
    std::free(names[i]);
  }
  std::free(names);
  return kept;
}

void service_notify::extend_timeout(std::chrono::microseconds by) const {
  say("EXTEND_TIMEOUT_USEC=" + std::to_string(by.count()));
}

}  // namespace captured::daemon
