// SPDX-License-Identifier: MIT
//
// The smallest configuration that the tests of the sandbox confine.
#pragma once

#include <string>

#include "settings/configuration.hpp"

namespace captured::test {

/// One interface, one output into that folder, no control socket.
inline settings::configuration recording_into(const std::string& directory) {
  settings::configuration made;
  made.interfaces.emplace_back();
  made.outputs.emplace_back();
  made.outputs.front().files.directory = directory;
  made.control.socket.clear();
  return made;
}

}  // namespace captured::test
