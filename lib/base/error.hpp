// SPDX-License-Identifier: MIT
//
// How operating errors travel: `result<T>` holds a value or a `failure`, an error code with the
// words that tell an operator which thing and which act it belongs to. Not for our own mistakes
// (see check.hpp) and not for the per-packet path, where a bare code or an action is returned.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace captured::base {

using error_code = boost::system::error_code;

/// Why something did not work. `context` names thing and act ("bind eth0"), `code` the cause.
/// `detail`, when not empty, replaces the text of the code where we know the cause better.
struct failure {
  error_code code;
  std::string context;
  std::string detail = {};

  /// "bind eth0: No such device"
  [[nodiscard]] std::string message() const;
};

/// A value or a failure. Owned by the caller; may cross threads like the value itself.
template <class T = void>
class [[nodiscard]] result : public boost::system::result<T, failure> {
 public:
  using boost::system::result<T, failure>::result;
};

/// A failure from the given `errno` value; read errno before anything else can change it.
[[nodiscard]] failure system_failure(int errno_value, std::string context);

/// A failure whose cause is ours to word, for input that is wrong rather than a call that failed.
[[nodiscard]] failure invalid_input(std::string context, std::string detail);

/// Called by boost when `.value()` is taken from a failed result; throws std::runtime_error.
[[noreturn]] void throw_exception_from_error(const failure& why, const boost::source_location&);

}  // namespace captured::base
