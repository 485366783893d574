// SPDX-License-Identifier: MIT
#include "daemon/supported.hpp"

#include <string>

namespace captured::daemon {

namespace {

using remarks = std::vector<settings::remark>;

std::string item(const char* list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

void check_interface(const settings::interface_settings& one, const std::string& path,
                     const settings::configuration& wanted, remarks& refusals) {
  const std::string name = "interface " + one.device.name + ": ";
  if (one.queues != 1) {
    refusals.push_back({path + ".queues", name + "queues: " + std::to_string(one.queues) +
                                              " is not supported by this version; only 1 is"});
  }
  // An exact stop waits three of its timeouts for the ring, and then the disk needs time too.
  if (6 * one.device.ring.timeout > wanted.stop_timeout) {
    refusals.push_back(
        {path + ".ring.timeout",
         name + "ring.timeout must be at most a sixth of stop_timeout, or a stop could not end " +
             "in time"});
  }
}

void check_threads(const settings::thread_settings& one, const std::string& path,
                   remarks& refusals) {
  if (!one.cpus.empty()) {
    refusals.push_back(
        {path + ".cpus", path + ": cpus are not supported by this version; use taskset(1)"});
  }
}

}  // namespace

std::vector<settings::remark> check_supported(const settings::configuration& wanted) {
  remarks refusals;
  for (std::size_t i = 0; i < wanted.interfaces.size(); ++i) {
    check_interface(wanted.interfaces[i], item("interfaces", i), wanted, refusals);
  }
  if (wanted.spare_sockets != 0 && wanted.spare_sockets < wanted.interfaces.size()) {
    refusals.push_back({"spare_sockets", "spare_sockets: " + std::to_string(wanted.spare_sockets) +
                                             " are too few for " +
                                             std::to_string(wanted.interfaces.size()) +
                                             " interfaces"});
  }
  if (wanted.reactor.threads != 1) {
    refusals.push_back({"reactor.threads", "reactor: only 1 thread is supported by this version"});
  }
  check_threads(wanted.reactor, "reactor", refusals);
  check_threads(wanted.writer, "writer", refusals);
  return refusals;
}

}  // namespace captured::daemon
