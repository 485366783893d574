// SPDX-License-Identifier: MIT
//
// Any octets as a configuration: the outcome is a configuration, which prints as YAML that reads
// back as the same, or problems that a terminal can show. Never a crash.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "settings/parse.hpp"
#include "settings/print.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace captured::settings;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto first = parse(text, "fuzz.yaml");
  CAPTURED_CHECK(first.settings.has_value() == first.problems.empty());
  for (const auto& each : first.problems) {
    CAPTURED_CHECK(!each.text.empty());
    CAPTURED_CHECK(each.at.line >= 0 && each.at.column >= 0);
    for (const char c : each.message()) {
      const auto octet = static_cast<unsigned char>(c);
      CAPTURED_CHECK(octet >= 0x20 && octet != 0x7f);
    }
  }
  if (first.settings) {
    const auto printed = print(*first.settings);
    const auto second = parse(printed, "printed.yaml");
    CAPTURED_CHECK(second.settings.has_value());
    CAPTURED_CHECK(print(*second.settings) == printed);
  }
  return 0;
}
