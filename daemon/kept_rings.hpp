// SPDX-License-Identifier: MIT
//
// The rings that outlive the process: sockets and journals that the service manager keeps, by
// interface and output. What is kept in which order, and why nothing is lost or repeated, is in
// docs/restart.md. Opens and closes no ring itself.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.hpp"
#include "capture/packet_ring.hpp"
#include "daemon/service_notify.hpp"
#include "pipeline/ledger.hpp"

namespace captured::daemon {

/// What an earlier life left of one ring.
struct left_ring {
  base::unique_fd socket;
  capture::ring_journal journal;

  /// The identity of the recording that used it.
  [[nodiscard]] std::string recording() const { return journal.use().recording.data(); }
};

/// All members on the reactor's thread.
class kept_rings {
 public:
  /// Takes what the manager passed on. `notify` must outlive this. When not `wanted` nothing is
  /// kept from now on, and what was is closed.
  kept_rings(service_notify& notify, bool wanted);

  /// Are rings kept?
  [[nodiscard]] bool is_active() const noexcept { return is_active_; }
  /// Recordings whose last files tell how far the rings were dealt with.
  [[nodiscard]] std::vector<std::string> recordings() const;
  /// What an earlier life left of this ring, to be taken over or to be closed.
  [[nodiscard]] std::optional<left_ring> take(const std::string& interface,
                                              const std::string& output);
  /// It was not used; perhaps later.
  void give_back(const std::string& interface, const std::string& output, left_ring ring);
  /// Closes what nobody has taken and is not wanted, and says so.
  void close_unwanted(const std::function<bool(const std::string& interface,
                                               const std::string& output)>& is_wanted);

  /// Has the ring outlive the process. It must have a journal.
  void keep(const std::string& interface, const std::string& output, capture::packet_ring& ring);
  /// The ring is closed for good: nobody is to take it over.
  void forget(const std::string& interface, const std::string& output);
  void forget_all();

 private:
  struct ring_name {
    std::string interface;
    std::string output;
    auto operator<=>(const ring_name&) const = default;
  };
  void take_up(const ring_name& name, std::vector<base::unique_fd> parts);

  service_notify& notify_;
  bool is_active_;
  std::map<ring_name, left_ring> left_;
  std::set<ring_name> kept_;
};

/// How the ring of these options is made, for its journal.
[[nodiscard]] capture::ring_make make_of(const capture::interface_options& options) noexcept;

/// What a recording notes when it begins to use a ring, of which so much was dealt with.
[[nodiscard]] capture::ring_use use_of(const std::string& recording,
                                       const pipeline::ledger_figures& recorded,
                                       const capture::ring_progress& progress) noexcept;

/// Packets that the ring has, or had to drop, and that nobody dealt with.
[[nodiscard]] std::uint64_t count_waiting(left_ring& left, const capture::dealt_with& dealt);

/// The manager's name for a ring, of characters that it takes, and back.
[[nodiscard]] std::string store_name(const std::string& interface, const std::string& output);
[[nodiscard]] std::optional<std::pair<std::string, std::string>> parse_store_name(
    const std::string& name);

}  // namespace captured::daemon
