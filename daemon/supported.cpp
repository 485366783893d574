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
  // An exact stop waits three of its timeouts for the ring, and then the disk needs time too.
  if (6 * one.device.ring.timeout > wanted.stop_timeout) {
    refusals.push_back(
        {path + ".ring.timeout",
         name + "ring.timeout must be at most a sixth of stop_timeout, or a stop could not end " +
             "in time"});
  }
}

}  // namespace

std::vector<settings::remark> check_supported(const settings::configuration& wanted) {
  remarks refusals;
  for (std::size_t i = 0; i < wanted.interfaces.size(); ++i) {
    check_interface(wanted.interfaces[i], item("interfaces", i), wanted, refusals);
  }
  std::size_t rings = 0;
  for (const settings::interface_settings& one : wanted.interfaces) {
    rings += one.queues;
  }
  if (wanted.spare_sockets != 0 && wanted.spare_sockets < rings) {
    const bool several = rings > wanted.interfaces.size();
    refusals.push_back({"spare_sockets", "spare_sockets: " + std::to_string(wanted.spare_sockets) +
                                             " are too few for " + std::to_string(rings) +
                                             (several ? " rings" : " interfaces")});
  }
  if (wanted.reactor.threads != 1) {
    refusals.push_back({"reactor.threads", "reactor: only 1 thread is supported by this version"});
  }
  return refusals;
}

}  // namespace captured::daemon
