// SPDX-License-Identifier: MIT
//
// The words that capturectl and the daemon exchange over the control socket: one JSON object on
// each line, a request and its answer in turn. Pure text; the sockets are control_server's.
//
//   {"request":"status"}  →  {"ok":true,"status":{…}}
//   {"request":"reload"}  →  {"ok":true}  or  {"ok":false,"errors":["captured.yaml:3:5: …"]}
//   {"request":"live"}    →  {"ok":true,"more":true,"octets":4711} and so many octets, time and
//                            again; what the client sends ends it; {"ok":true,"dropped":0,…}
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/error.hpp"

namespace captured::daemon {

/// The longest request: one that is longer ends the connection.
inline constexpr std::size_t request_bytes_max = 16 << 10;
/// The longest answer: the status of a thousand interfaces takes half of it.
inline constexpr std::size_t answer_bytes_max = 1 << 20;

struct control_request {
  std::string name;            ///< "status"
  boost::json::object values;  ///< the whole request, for what else it carries
};

/// Reads one line, without its end. Fails for whatever is not an object with a string "request";
/// any octets are allowed. Never throws; bounded in depth and memory by the line.
[[nodiscard]] base::result<control_request> parse_request(std::string_view line);

/// One line each, with its end.
[[nodiscard]] std::string refusal(const std::vector<std::string>& errors);
[[nodiscard]] std::string acceptance(boost::json::object values = {});

/// What the daemon answered.
struct control_answer {
  bool ok = false;
  std::vector<std::string> errors;  ///< at least one when not ok
  boost::json::object values;       ///< the whole answer
};

/// Reads one line of the daemon, as parse_request does.
[[nodiscard]] base::result<control_answer> parse_answer(std::string_view line);

}  // namespace captured::daemon
