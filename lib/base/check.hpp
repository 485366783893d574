// SPDX-License-Identifier: MIT
//
// CAPTURED_CHECK: an assertion that stays on in every build, for our own mistakes at set-up and
// per block. Per packet use assert(). Never for input from network, disk or configuration.
#pragma once

namespace captured::base {

/// Writes "file:line: check failed: expression" to standard error and aborts.
[[noreturn]] void check_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace captured::base

#define CAPTURED_CHECK(expression)                                     \
  do {                                                                 \
    if (!(expression)) [[unlikely]] {                                  \
      ::captured::base::check_failed(#expression, __FILE__, __LINE__); \
    }                                                                  \
  } while (false)
