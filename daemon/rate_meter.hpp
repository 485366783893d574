// SPDX-License-Identifier: MIT
//
// Rates over the last seconds, from readings of the ledger. Pure: the clock is the caller's.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "daemon/recording_status.hpp"

namespace captured::daemon {

struct traffic_rates {
  double packets = 0;  ///< stored, per second
  double bits = 0;     ///< stored, per second
  double lost = 0;     ///< dropped by the kernel, per second
};

/// Rates are those from the reading before the last one, or before that, so that readings in quick
/// succession do not make them jump: of at least a second.
class rate_meter {
 public:
  using clock = std::chrono::steady_clock;

  /// Takes a reading; `now` never goes back.
  void take(clock::time_point now, const recording_status& status);
  /// Rates of one interface of an output up to the last reading; zero for a new one.
  [[nodiscard]] traffic_rates of(const interface_status& one) const;
  /// Octets that an output wrote in a second; zero for a new one.
  [[nodiscard]] double written_by(const output_status& one) const;
  /// The time that the rates are taken over; zero when there is only one reading.
  [[nodiscard]] std::chrono::duration<double> span() const;

 private:
  using key = std::pair<std::string, std::string>;  // interface, output
  struct reading {
    clock::time_point at;
    std::map<key, pipeline::ledger_figures> figures;
    std::map<std::string, std::uint64_t> written;  // octets, by output
  };

  std::deque<reading> readings_;  // oldest first, three at most
};

}  // namespace captured::daemon
