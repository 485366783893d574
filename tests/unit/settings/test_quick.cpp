// SPDX-License-Identifier: MIT
#include "configuration_texts.hpp"
#include "settings/quick.hpp"

using namespace captured;
using namespace std::chrono_literals;
using settings::quick;
using testing::messages;

TEST_CASE("a recording needs no file: interfaces, a filter and a folder make a configuration") {
  const auto made = quick({{"eth0", "eth1"}, "not port 22", "./captures", ""});
  REQUIRE(made.result.settings.has_value());
  const auto& all = *made.result.settings;
  REQUIRE(all.interfaces.size() == 2);
  CHECK(all.interfaces[0].device.name == "eth0");
  CHECK(all.interfaces[1].device.name == "eth1");
  CHECK(all.interfaces[1].device.filter == "not port 22");
  CHECK(all.interfaces[1].output == all.outputs[0].files.name);
  CHECK(all.outputs[0].files.directory == "./captures");
  CHECK_FALSE(made.run_for.has_value());
}

TEST_CASE("a recording without a file never removes anything from its folder") {
  const auto made = quick({.interfaces = {"eth0"}, .duration = ""});
  CHECK(made.result.settings->outputs[0].files.retain ==
        storage::retain_options{0, 0, 0, std::chrono::seconds(0), 0});
}

TEST_CASE("the duration is a number of seconds, or one with a unit") {
  CHECK(quick({.interfaces = {"eth0"}, .duration = "60"}).run_for == 60s);
  CHECK(quick({.interfaces = {"eth0"}, .duration = "500ms"}).run_for == 500ms);
  CHECK(quick({.interfaces = {"eth0"}, .duration = "5min"}).run_for == 5min);
  for (const auto* const text : {"0", "0s", "-1", "1.5", "soon", "99999999999999999999", " 1"}) {
    CHECK(messages(quick({.interfaces = {"eth0"}, .duration = text}).result) ==
          "command line: --duration: '" + std::string(text) +
              "' is not a number of seconds, or one with ms, s, min, h or d\n");
  }
}

TEST_CASE("what is wrong on the command line is told in terms of its options") {
  const auto why = [](const settings::quick_request& request) {
    const auto made = quick(request);
    CHECK_FALSE(made.result.settings.has_value());
    return messages(made.result);
  };
  CHECK(why({}) == "command line: -i: at least one interface must be given\n");
  CHECK(why({{"eth0", "eth1", "eth0"}, "", ".", ""}) ==
        "command line: -i: 'eth0' is given twice\n");
  CHECK(why({{"a/b", ""}, "", ".", ""}) ==
        "command line: -i: 'a/b' cannot be the name of an interface\n"
        "command line: -i: the name is empty\n");
  CHECK(why({{"eth0", "eth1"}, "tcp\x01", ".", ""}) ==
        "command line: -f: a control character in the filter\n");
  CHECK(why({{"eth0"}, "\xff", ".", ""}) == "command line: this is not UTF-8 text\n");
  CHECK(why({{"eth0"}, "", "", ""}) == "command line: -d: the name is empty\n");
}

TEST_CASE("quotes, backslashes and line ends in a filter come through") {
  const std::string filter = "tcp \"and\" \\ 'x'\nport 80 # {a: b}";
  CHECK(quick({{"eth0"}, filter, ".", ""}).result.settings->interfaces[0].device.filter == filter);
}
