// SPDX-License-Identifier: MIT
//
// On which processors threads run. A thread begins where the one runs that starts it, so a pool is
// placed by being made inside a scope. Memory that the kernel takes for a thread, rings above all,
// comes from the node of its processor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace captured::daemon {

/// The calling thread runs on these processors alone from now on; an empty list changes nothing.
/// Fails with EINVAL when none of them is there for us; `what` says in the message whose they are.
base::result<> run_on(const std::vector<std::uint32_t>& processors, const std::string& what);

/// Where the calling thread may run, as `run_on` takes it.
[[nodiscard]] std::vector<std::uint32_t> own_processors();

/// Puts the calling thread back to where it was.
class processor_scope {
 public:
  processor_scope() : before_(own_processors()) {}
  ~processor_scope() { static_cast<void>(run_on(before_, "the thread")); }
  processor_scope(const processor_scope&) = delete;
  processor_scope& operator=(const processor_scope&) = delete;

 private:
  std::vector<std::uint32_t> before_;
};

}  // namespace captured::daemon
