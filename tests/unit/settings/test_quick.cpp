// SPDX-License-Identifier: MIT
#include "configuration_texts.hpp"
#include "settings/print.hpp"
#include "settings/quick.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace std::chrono_literals;
using settings::quick;
using settings::quick_request;
using testing::messages;

TEST_CASE("a recording needs no file: interfaces, a filter and a folder make a configuration") {
  const auto made =
      quick({.interfaces = {"eth0", "eth1"}, .filter = "not port 22", .directory = "./captures"});
  REQUIRE(made.result.settings.has_value());
  const auto& all = *made.result.settings;
  REQUIRE(all.interfaces.size() == 2);
  CHECK(all.interfaces[0].device.name == "eth0");
  CHECK(all.interfaces[1].device.name == "eth1");
  CHECK(all.interfaces[1].device.filter == "not port 22");
  CHECK(all.interfaces[1].device.promiscuous);
  CHECK(all.interfaces[1].output == all.outputs[0].files.name);
  CHECK(all.outputs[0].files.directory == "./captures");
  CHECK_FALSE(made.run_for.has_value());
}

TEST_CASE("what an option does not say is as the shipped configuration has it") {
  const auto all = *quick({.interfaces = {"eth0"}}).result.settings;
  auto expected = settings::shipped();
  expected.outputs[0].files.directory = ".";
  expected.outputs[0].files.retain = {0, 0, 0, 0s, 0};
  expected.control.socket.clear();
  CHECK(settings::print(all) == settings::print(expected));
}

TEST_CASE("a recording without a file never removes anything from its folder") {
  const auto made = quick({.interfaces = {"eth0"}});
  CHECK(made.result.settings->outputs[0].files.retain == storage::retain_options{0, 0, 0, 0s, 0});
}

TEST_CASE("limits of packets, rings and files hold for every interface and the output") {
  const auto made = quick({.interfaces = {"eth0", "eth1"},
                           .snaplen = "96",
                           .ring_size = "8MiB",
                           .rotate_size = "10MB",
                           .rotate_interval = "90s",
                           .promiscuous = false});
  REQUIRE(made.result.settings.has_value());
  for (const auto& each : made.result.settings->interfaces) {
    CHECK(each.device.snaplen == 96);
    CHECK(each.device.ring.size_bytes == 8 << 20);
    CHECK_FALSE(each.device.promiscuous);
  }
  CHECK(made.result.settings->outputs[0].files.rotate.size_bytes == 10'000'000);
  CHECK(made.result.settings->outputs[0].files.rotate.interval == 90s);
}

TEST_CASE("the duration is a number of seconds, or one with a unit") {
  const auto run_for = [](const char* text) {
    return quick({.interfaces = {"eth0"}, .duration = text}).run_for;
  };
  CHECK(run_for("60") == 60s);
  CHECK(run_for("500ms") == 500ms);
  CHECK(run_for("5min") == 5min);
  for (const auto* const text : {"0", "0s", "-1", "1.5", "soon", "99999999999999999999", " 1"}) {
    CHECK(messages(quick({.interfaces = {"eth0"}, .duration = text}).result) ==
          "command line: --duration: '" + std::string(text) +
              "' is not a number of seconds, or one with ms, s, min, h or d\n");
  }
}

TEST_CASE("what is wrong on the command line is told in terms of its options") {
  const auto why = [](const quick_request& request) {
    const auto made = quick(request);
    CHECK_FALSE(made.result.settings.has_value());
    return messages(made.result);
  };
  CHECK(why({}) == "command line: -i: at least one interface must be given\n");
  CHECK(why({.interfaces = {"eth0", "eth1", "eth0"}}) ==
        "command line: -i: 'eth0' is given twice\n");
  CHECK(why({.interfaces = {"a/b", ""}}) ==
        "command line: -i: 'a/b' cannot be the name of an interface\n"
        "command line: -i: the name is empty\n");
  CHECK(why({.interfaces = {"eth0", "eth1"}, .filter = "tcp\x01"}) ==
        "command line: -f: a control character in the filter\n");
  CHECK(why({.interfaces = {"eth0"}, .filter = "\xff"}) ==
        "command line: this is not UTF-8 text\n");
  CHECK(why({.interfaces = {"eth0"}, .directory = ""}) == "command line: -d: the name is empty\n");
  CHECK(why({.interfaces = {"eth0", "eth1"}, .snaplen = "many"}) ==
        "command line: -s: expected a whole number, found 'many'\n");
  CHECK(why({.interfaces = {"eth0"}, .snaplen = "262145"}) ==
        "command line: -s: '262145' is not from 1 to 262144\n");
  CHECK(why({.interfaces = {"eth0"}, .ring_size = "1500KiB"}) ==
        "command line: --ring-size: 1500KiB is not a multiple of the block, 1MiB\n");
  CHECK(why({.interfaces = {"eth0"}, .rotate_size = "1 GiB"}) ==
        "command line: --rotate-size: expected a size (a number with KiB, MiB, GiB, TiB, kB, MB or "
        "GB, or octets), found '1 GiB'; did you mean '1GiB'?\n");
  CHECK(why({.interfaces = {"eth0"}, .rotate_interval = "500ms"}) ==
        "command line: --rotate-interval: '500ms' is not from 1s to 366d, nor 0\n");
}

TEST_CASE("all that is wrong on the command line is told at once") {
  const auto made = quick({.interfaces = {"eth0", "a/b", "eth0"},
                           .directory = "~/x",
                           .rotate_interval = "1500ms",
                           .duration = "x"});
  CHECK(made.result.problems.size() == 5);
}

TEST_CASE("quotes, backslashes, brackets and line ends in a filter come through") {
  const std::string filter = "tcp \"and\" \\ 'x'\nport 80 # {a: b}, ether[6:2] = 1";
  const auto made = quick({.interfaces = {"eth0"}, .filter = filter});
  CHECK(made.result.settings->interfaces[0].device.filter == filter);
}
