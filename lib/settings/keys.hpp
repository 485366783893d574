// SPDX-License-Identifier: MIT
//
// The table of all keys of the configuration, with their bounds and what they are for.
#pragma once

#include "settings/configuration.hpp"
#include "settings/key.hpp"

namespace captured::settings {

/// The keys of the top; those below are reached through them. Made once, then constant.
[[nodiscard]] const key_table<configuration>& configuration_keys();

/// The keys of one stream.
[[nodiscard]] key_table<stream_settings> stream_keys();

}  // namespace captured::settings
