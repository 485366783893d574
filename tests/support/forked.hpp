// SPDX-License-Identifier: MIT
//
// Runs a part of a test in a process of its own, for what cannot be undone in this one. The part
// may use nothing that needs another thread, and tells by its text what it found.
#pragma once

#include <functional>
#include <string>

namespace captured::testing {

/// What `part` returned in a child of this process; with " (ended by signal N)" or " (exit N)" when
/// it did not come to its end.
[[nodiscard]] std::string in_child(const std::function<std::string()>& part);

}  // namespace captured::testing
