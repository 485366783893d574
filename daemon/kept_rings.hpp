// SPDX-License-Identifier: MIT
//
// The rings that outlive the process: sockets and journals that the service manager keeps, by
// interface, output and queue. What is kept in which order, and why nothing is lost or repeated, is
// in docs/restart.md. Opens and closes no ring itself.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "capture/ring_group.hpp"
#include "daemon/service_notify.hpp"
#include "pipeline/ledger.hpp"

namespace captured::daemon {

/// What an earlier life left of the rings of an interface, at least one, in their order.
struct left_rings {
  std::vector<capture::left_ring> rings;

  /// Who used them, from when on.
  [[nodiscard]] const capture::ring_use& use() const { return rings.front().journal.use(); }
  [[nodiscard]] std::string recording() const { return use().recording.data(); }
  [[nodiscard]] capture::dealt_with progress() const;
};

/// One ring in the store.
struct stored_ring {
  std::string interface;
  std::string output;
  std::uint32_t queue = 0;
  auto operator<=>(const stored_ring&) const = default;
};

/// All members on the reactor's thread.
class kept_rings {
 public:
  /// Takes what the manager passed on. `notify` must outlive this. When not `wanted` nothing is
  /// kept from now on, and what was is closed.
  kept_rings(service_notify& notify, bool wanted);

  /// Are rings kept?
  [[nodiscard]] bool is_active() const noexcept { return is_active_; }
  /// Recordings whose last files tell how far the rings were dealt with: of those that nobody has
  /// taken, or that may yet be given back.
  [[nodiscard]] std::vector<std::string> recordings() const;
  /// What an earlier life left of these rings, to be taken over or to be closed.
  [[nodiscard]] std::optional<left_rings> take(const std::string& interface,
                                               const std::string& output);
  /// They were not used; perhaps later.
  void give_back(const std::string& interface, const std::string& output, left_rings rings);
  /// Closes what nobody has taken and is not wanted, and says so.
  void close_unwanted(const std::function<bool(const std::string& interface,
                                               const std::string& output)>& is_wanted);

  /// Has the rings outlive the process. They must have journals. After a failure, as when the
  /// manager has no room for them, it has none of them.
  base::result<> keep(const std::string& interface, const std::string& output,
                      capture::ring_group& rings);
  /// Rings that are kept, of which nothing was dealt with since their use was noted, are as an
  /// earlier life left them: they may be taken again, and can go here. Those that cannot be had
  /// twice are given up, which is said: others are going to have their name.
  void leave(const std::string& interface, const std::string& output, capture::ring_group& rings);
  /// To be called on any thread: the manager lets go of what it has of these rings, if it answers
  /// soon. `forget` is to follow.
  [[nodiscard]] std::function<void()> giving_up(const std::string& interface,
                                                const std::string& output) const;
  /// The rings are closed for good: nobody is to take them over.
  void forget(const std::string& interface, const std::string& output);
  void forget_all();

 private:
  struct user {
    std::string interface;
    std::string output;
    auto operator<=>(const user&) const = default;
  };
  using descriptors = std::vector<base::unique_fd>;
  void take_up(const user& whose, std::vector<descriptors> rings);
  [[nodiscard]] bool has_room(const user& whose, std::uint32_t queues) const;

  service_notify& notify_;
  bool is_active_;
  std::map<user, left_rings> left_;
  std::map<user, std::string> taken_;     ///< whose recording may be asked for again
  std::map<user, std::uint32_t> stored_;  ///< with the manager: queues from 0 on
};

/// How each ring of these options is made, for its journal.
[[nodiscard]] capture::ring_make make_of(const capture::interface_options& options,
                                         std::uint32_t queues) noexcept;

/// What a recording notes when it begins to use rings of which so much was dealt with, in so many
/// turns.
[[nodiscard]] capture::ring_use use_of(const std::string& recording,
                                       const pipeline::ledger_figures& recorded,
                                       const capture::dealt_with& before,
                                       std::uint64_t turns_before) noexcept;

/// Packets that the rings have, or had to drop, and that nobody dealt with.
[[nodiscard]] std::uint64_t count_waiting(left_rings& left, const capture::dealt_with& dealt);

/// The manager's name for a ring, of characters that it takes, and back.
[[nodiscard]] std::string store_name(const stored_ring& ring);
[[nodiscard]] std::optional<stored_ring> parse_store_name(const std::string& name);

}  // namespace captured::daemon
