// SPDX-License-Identifier: MIT
#include "daemon/service_notify.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>

#include <systemd/sd-daemon.h>

namespace captured::daemon {

namespace {

std::optional<std::uint64_t> number_in(const char* variable) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? std::nullopt : std::optional(std::strtoull(text, nullptr, 10));
}

/// By the manager itself. One that is new enough to tell of memory pressure would say so if it kept
/// any.
std::optional<std::uint64_t> told_by_manager() {
  const auto told = number_in("FDSTORE");
  return !told && std::getenv("MEMORY_PRESSURE_WATCH") != nullptr ? 0 : told;
}

}  // namespace

service_notify::service_notify() : has_manager_(std::getenv("NOTIFY_SOCKET") != nullptr) {
  const auto told = told_by_manager();
  const auto claimed = number_in("CAPTURED_FDSTORE");
  if (has_manager_) {
    descriptors_max_ = told.value_or(claimed.value_or(0));
  }
  if (has_manager_ && told && claimed && *told != *claimed) {
    contradiction_ = "the service manager keeps " + std::to_string(*told) + " descriptors, not " +
                     std::to_string(*claimed) +
                     " as the unit has it: FileDescriptorStoreMax= and CAPTURED_FDSTORE= differ";
  }
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

base::result<> service_notify::keep(const std::string& name,
                                    std::span<const int> descriptors) const {
  const std::string state = "FDSTORE=1\nFDPOLL=0\nFDNAME=" + name;
  const int told = ::sd_pid_notify_with_fds(0, 0, state.c_str(), descriptors.data(),
                                            static_cast<unsigned>(descriptors.size()));
  if (told <= 0) {
    return base::system_failure(told == 0 ? ENOTCONN : -told,
                                "give " + name + " to the service manager");
  }
  return {};
}

void service_notify::wait_until_heard(std::chrono::microseconds longest) const {
  if (has_manager_) {
    ::sd_notify_barrier(0, static_cast<std::uint64_t>(longest.count()));
  }
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
