// SPDX-License-Identifier: MIT
//
// A filter for the packets of whatever device: a program for each link type that devices have, all
// made at once, since a name in the text may have to be looked up.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "capture/offline_filter.hpp"
#include "packet/link_type.hpp"

namespace captured::daemon {

class device_filters {
 public:
  /// For each link type the first of the texts that makes sense for it. With names in them it may
  /// take as long as a name server that does not answer: not for the reactor's thread then. Fails,
  /// with libpcap's words on the first text for Ethernet, when none makes sense for any.
  static base::result<device_filters> compile(const std::vector<std::string>& texts);

  /// Null when no text makes sense for this link type: no packet matches.
  [[nodiscard]] const capture::offline_filter* find(packet::link_type link) const noexcept;

 private:
  std::vector<std::pair<packet::link_type, capture::offline_filter>> all_;
};

}  // namespace captured::daemon
