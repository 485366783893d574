// SPDX-License-Identifier: MIT
//
// What the files say about an interface: its description, and the story of what happened to it.
// Pure text.
#pragma once

#include <string>

#include "base/time.hpp"
#include "capture/device.hpp"
#include "capture/options.hpp"
#include "pipeline/options.hpp"
#include "pipeline/port.hpp"

namespace captured::daemon {

/// The description of a device that is recorded with these options. `story` is a comment about why
/// it begins here; empty for none.
[[nodiscard]] pipeline::port_description describe(const capture::device& from,
                                                  const capture::interface_options& options,
                                                  const std::string& story);

/// What changed between two sets of options of one interface, as a comment: "the filter was 'udp'
/// until …". `before` and `after` bound the time of the change.
[[nodiscard]] std::string story_of_change(const capture::interface_options& former,
                                          const capture::interface_options& present,
                                          base::wall_time before, base::wall_time after);

/// 2026-11-22T09:00:00.123456789Z
[[nodiscard]] std::string time_text(base::wall_time when);

/// "raw", "ethernet", … as a part of names.
[[nodiscard]] std::string link_word(packet::link_type link);

/// What stands behind the output's name in that of the series of files that takes these packets;
/// empty for the output's own. Series are apart where a format holds no more, or that is wanted.
[[nodiscard]] std::string series_word(const pipeline::output_options& output,
                                      const std::string& interface, packet::link_type link);

}  // namespace captured::daemon
