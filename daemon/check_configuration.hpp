// SPDX-License-Identifier: MIT
//
// Whether a configuration that was read can be recorded by: its filters compile, and this version
// does all that it asks for; that its groups are not known is a warning. What --check-config, the
// start and a reload have in common. Nothing is opened here, and no interface need be there. May
// block as the machine's name services do.
#pragma once

#include <vector>

#include "settings/parse.hpp"

namespace captured::daemon {

/// The settings are there unless there are problems, which then are all that is wrong; `warnings`
/// are for whoever knows the machine to add to.
struct checked_configuration {
  settings::outcome read;
  std::vector<settings::problem> warnings = {};
};

/// Goes on from where `settings::load` or `settings::quick` ended; problems of that are kept.
[[nodiscard]] checked_configuration check_configuration(settings::outcome read);

}  // namespace captured::daemon
