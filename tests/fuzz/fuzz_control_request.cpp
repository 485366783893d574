// SPDX-License-Identifier: MIT
//
// Any octets as a line on the control socket, from either side: a request, an answer, or an error
// with words. Never a crash, and what is refused or granted goes back as one line.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "daemon/control_protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace captured::daemon;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto request = parse_request(line);
  if (request) {
    CAPTURED_CHECK(!request->name.empty());
    const std::string granted = acceptance(request->values);
    CAPTURED_CHECK(granted.find('\n') == granted.size() - 1);
    CAPTURED_CHECK(parse_answer({granted.data(), granted.size() - 1})->ok);
  } else {
    const std::string refused = refusal({request.error().message()});
    CAPTURED_CHECK(refused.find('\n') == refused.size() - 1);
    CAPTURED_CHECK(!parse_answer({refused.data(), refused.size() - 1})->ok);
  }
  if (const auto answer = parse_answer(line); answer) {
    CAPTURED_CHECK(answer->ok || !answer->errors.empty());
  }
  return 0;
}
