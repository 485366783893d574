// SPDX-License-Identifier: MIT
//
// How an interface gets its rings: those that an earlier life left, when they fit, else new ones.
// Takes some milliseconds; any thread. When to open, and what to say of it, is recording's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "capture/ring_group.hpp"
#include "capture/spare_sockets.hpp"
#include "daemon/kept_rings.hpp"

namespace captured::daemon {

struct ring_request {
  capture::interface_options options;
  std::uint32_t queues = 1;
  std::shared_ptr<capture::spare_sockets> spares;  ///< a new ring's socket is one of these, if any
  bool is_kept = false;  ///< the rings get journals: another process can go on with them
  std::string output;    ///< whose they are
  std::optional<left_rings> left;
  capture::dealt_with dealt;       ///< of the rings that are left
  std::uint64_t in_no_ledger = 0;  ///< see pipeline::in_no_ledger
  /// What is left is not going to be taken over: lets go of all else that holds it.
  std::function<void()> give_up_left = [] {};
};

struct opened_ring {
  base::result<std::unique_ptr<capture::ring_group>> ring;
  capture::device from;
  capture::interface_options options;  ///< in force: perhaps without `left_out`
  std::string output = {};             ///< whose they are
  bool is_taken_over = false;
  std::uint64_t waiting = 0;       ///< in the rings that were left: taken over, or lost with them
  std::uint64_t missing = 0;       ///< given back by the life before, and yet in none of its files
  std::uint64_t in_no_ledger = 0;  ///< of the request, when rings were left
  std::string misfit = {};         ///< why what was left is closed; empty when it is not
  std::optional<left_rings> left = {};  ///< not used: nothing could be opened at all
};

/// Fails as compile_interface_filter and ring_group::open do.
[[nodiscard]] opened_ring open_ring(ring_request wanted);

}  // namespace captured::daemon
