// SPDX-License-Identifier: MIT
//
// capturectl's end of the control socket: one request, one answer. Blocks; knows no Asio.
#pragma once

#include <chrono>
#include <string>

#include <boost/json/object.hpp>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "daemon/control_protocol.hpp"

namespace captured::daemon {

/// Where the service listens when its configuration says nothing else.
inline constexpr const char* usual_control_socket = "/run/captured/control";

/// Asks and waits, `time` at most. Fails, with the cure where one is known, when nobody listens at
/// `socket`, when we may not ask, and when no answer comes. An answer that refuses is a value.
[[nodiscard]] base::result<control_answer> ask_daemon(const std::string& socket,
                                                      const boost::json::object& request,
                                                      std::chrono::seconds time);

/// Connects, `time` at most; for what goes beyond one answer. Does not block on reads and writes.
[[nodiscard]] base::result<base::unique_fd> connect_to_daemon(const std::string& socket,
                                                              std::chrono::seconds time);

}  // namespace captured::daemon
