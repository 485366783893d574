// SPDX-License-Identifier: MIT
#include "daemon/interface_plan.hpp"
#include "support/catch.hpp"

namespace capture = captured::capture;
namespace settings = captured::settings;
using captured::daemon::pattern_rules;
using captured::daemon::plan_interfaces;

namespace {

settings::interface_settings entry(const std::string& name, const std::string& output = "main",
                                   const std::string& filter = "") {
  settings::interface_settings made;
  made.device.name = name;
  made.device.filter = filter;
  made.output = output;
  return made;
}

capture::device device(const std::string& name, int index, bool up = true) {
  capture::device made;
  made.name = name;
  made.index = index;
  made.up = up;
  return made;
}

/// "eth0>main" for each planned interface, with "?" behind it where there is no device.
std::vector<std::string> words(const std::vector<settings::interface_settings>& entries,
                               const std::vector<capture::device>& devices,
                               const pattern_rules& rules = {}) {
  std::vector<std::string> found;
  for (const auto& one : plan_interfaces(entries, devices, rules)) {
    found.push_back(one.entry.device.name + ">" + one.entry.output + (one.from ? "" : "?"));
  }
  return found;
}

using list = std::vector<std::string>;

}  // namespace

TEST_CASE("an exact name is planned with its device, and without one when it is missing") {
  CHECK(words({entry("eth0"), entry("eth1")}, {device("eth1", 2)}) ==
        list{"eth0>main?", "eth1>main"});
}

TEST_CASE("an exact name is planned although its device is switched off") {
  CHECK(words({entry("eth0")}, {device("eth0", 1, false)}) == list{"eth0>main"});
}

TEST_CASE("a pattern takes what fits and carries its options under the device's own name") {
  const auto planned = plan_interfaces({entry("eth*", "main", "udp")},
                                       {device("lo", 1), device("eth0", 2), device("eth1", 3)}, {});
  REQUIRE(planned.size() == 2);
  CHECK(planned[0].entry.device.name == "eth0");
  CHECK(planned[1].entry.device.filter == "udp");
  CHECK(planned[1].by_pattern);
}

TEST_CASE("an exact name comes before a pattern of its output wherever it stands") {
  const std::vector<settings::interface_settings> entries{
      entry("eth*", "main", "udp"), entry("eth0", "main", "tcp"), entry("eth*", "other")};
  const auto planned = plan_interfaces(entries, {device("eth0", 1), device("eth1", 2)}, {});
  CHECK(words(entries, {device("eth0", 1), device("eth1", 2)}) ==
        list{"eth1>main", "eth0>main", "eth0>other", "eth1>other"});
  CHECK(planned[1].entry.device.filter == "tcp");
}

TEST_CASE("of two patterns that fit, the first one holds") {
  const auto planned = plan_interfaces({entry("e*", "main", "udp"), entry("*", "main", "tcp")},
                                       {device("eth0", 1)}, {});
  REQUIRE(planned.size() == 1);
  CHECK(planned[0].entry.device.filter == "udp");
}

TEST_CASE("a pattern waits for a device that was off at the start, and takes a new one at once") {
  const pattern_rules rules{.known_at_start = {1, 2}, .recorded = {}};
  CHECK(words({entry("*")}, {device("eth0", 1, false), device("eth1", 2)}, rules) ==
        list{"eth1>main"});
  CHECK(words({entry("*")}, {device("eth9", 9, false)}, rules) == list{"eth9>main"});
}

TEST_CASE("what a pattern records stays when it is switched off") {
  const pattern_rules rules{.known_at_start = {1}, .recorded = {{"eth0", "main"}}};
  CHECK(words({entry("*")}, {device("eth0", 1, false)}, rules) == list{"eth0>main"});
}
