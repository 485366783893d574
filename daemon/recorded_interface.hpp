// SPDX-License-Identifier: MIT
//
// One interface recorded into one output, from the first attempt to the end of the process: it
// keeps its ledger whatever becomes of device and ring. recording moves it on.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/time.hpp"
#include "capture/ring_group.hpp"
#include "pipeline/capture_reactor.hpp"
#include "pipeline/ledger.hpp"
#include "pipeline/packet_tap.hpp"
#include "pipeline/ring_feed.hpp"
#include "settings/configuration.hpp"

namespace captured::daemon {

class recorded_output;

enum class interface_state : std::uint8_t {
  waiting,    ///< for its device or its output: see `why`
  opening,    ///< its ring is being made
  joining,    ///< its output is being told of it
  recording,  ///< packets come
  closing,    ///< the ring is drained into the file
};

struct recorded_interface {
  settings::interface_settings entry;  ///< what the configuration wants; exact name
  bool configured = true;              ///< the configuration still names it
  bool by_pattern = false;
  interface_state state = interface_state::waiting;
  std::string why;               ///< it does not record; empty while it does
  std::string story;             ///< for its next description
  base::steady_time retry_at{};  ///< not opened again before this
  std::chrono::seconds retry_pause{1};

  pipeline::packet_tap tap;  ///< of all its rings, one after the other

  // While opening, recording or closing.
  capture::device from;                ///< as last seen
  capture::interface_options options;  ///< in force
  std::uint32_t queues = 1;            ///< in force
  recorded_output* output = nullptr;
  std::shared_ptr<capture::ring_group> ring;  ///< also held by a change that is under way
  std::unique_ptr<pipeline::ring_feed> feed;
  pipeline::capture_reactor::ring_id ring_id = 0;
  bool is_ring_kept = false;                          ///< the ring can outlive the process
  bool is_ring_stored = false;                        ///< it does: the manager has it, too
  bool is_taken_over = false;                         ///< from a former life
  bool changing = false;                              ///< another filter is being attached
  std::optional<capture::interface_options> refused;  ///< options that the device did not take

  bool begun = false;  ///< was recorded at least once
  base::wall_time begun_at{};
  pipeline::interface_ledger ledger;

  [[nodiscard]] const std::string& name() const noexcept { return entry.device.name; }
};

}  // namespace captured::daemon
