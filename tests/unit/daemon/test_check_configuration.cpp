// SPDX-License-Identifier: MIT
#include <filesystem>

#include "daemon/accounts.hpp"
#include "daemon/check_configuration.hpp"
#include "settings/parse.hpp"
#include "settings/quick.hpp"
#include "support/catch.hpp"

using namespace captured;

namespace {

std::string lines(const std::vector<settings::problem>& problems) {
  std::string text;
  for (const auto& each : problems) {
    text += each.message() + "\n";
  }
  return text;
}

daemon::checked_configuration check(const std::string& text) {
  return daemon::check_configuration(settings::parse(text, "f.yaml"));
}

}  // namespace

TEST_CASE("what this version does not do is refused with the place where it is asked for") {
  const auto checked = check(
      "interfaces:\n"
      "  - { name: eth0, queues: 2, ring: { timeout: 2s } }\n"
      "outputs:\n"
      "  - retain: { size: 0, free: 0 }\n"
      "reactor: { threads: 2, cpus: [1] }\n"
      "writer: { threads: 2, cpus: [2] }\n");
  CHECK_FALSE(checked.read.settings.has_value());
  CHECK(lines(checked.read.problems) ==
        "f.yaml:2:47: interface eth0: ring.timeout must be at most a sixth of stop_timeout, or a "
        "stop could not end in time\n"
        "f.yaml:5:21: reactor: only 1 thread is supported by this version\n");
  CHECK(checked.warnings.empty());
}

TEST_CASE("patterns, hardware time and series for each link type are supported") {
  const auto checked = check(
      "interfaces: [{ name: \"eth*\", timestamp: hardware }]\n"
      "outputs: [{ link_types: split, retain: { size: 5GiB, age: 7d } }]\n");
  CHECK(lines(checked.read.problems).empty());
  CHECK(checked.read.settings.has_value());
  CHECK(checked.warnings.empty());
}

TEST_CASE("a filter that does not compile is an error at its place") {
  const auto checked = check(
      "interfaces:\n"
      "  - name: eth0\n"
      "    filter: \"udp and (\"\n"
      "  - name: eth1\n"
      "    filter: \"prot 53\"\n");
  CHECK_FALSE(checked.read.settings.has_value());
  REQUIRE(checked.read.problems.size() == 2);
  const auto said = lines(checked.read.problems);
  INFO(said);
  CHECK(said.find("f.yaml:3:13: interface eth0: ") == 0);
  CHECK(said.find("\nf.yaml:5:13: interface eth1: ") != std::string::npos);
}

TEST_CASE("a filter that does not compile is listed beside what could not be read") {
  const auto checked = check(
      "interfaces:\n"
      "  - { name: eth0, snaplen: 0, filter: \"udp and (\" }\n"
      "outputs:\n"
      "  - { directory: /tmp }\n");
  REQUIRE(checked.read.problems.size() == 2);
  CHECK(checked.read.problems[0].message() ==
        "f.yaml:2:28: interfaces[0].snaplen: '0' is not from 1 to 262144");
  CHECK(checked.read.problems[1].message().starts_with("f.yaml:2:39: interface eth0: filter"));
}

TEST_CASE("a group that there is not is a warning at its place, and others are remembered") {
  const auto checked = check(
      "interfaces: [{ name: eth0 }]\n"
      "outputs:\n"
      "  - { name: good, directory: /a, group: root }\n"
      "  - { name: bad, directory: /b, group: no-such-group }\n");
  CHECK(checked.read.settings.has_value());
  CHECK(
      lines(checked.warnings) ==
      "f.yaml:4:40: output bad: group no-such-group: there is no such group on this machine; until "
      "there is, the output cannot be opened\n");
  storage::output_options files;
  files.group = "root";
  CHECK(daemon::rights_of(files)->group == 0u);
  files.group = "no-such-group";
  CHECK_FALSE(daemon::rights_of(files).has_value());
  files.group.clear();
  CHECK_FALSE(daemon::rights_of(files)->group.has_value());
}

TEST_CASE("problems of reading are kept as they are, and nothing is added") {
  const auto checked = check("interfaces: [{ nme: eth0 }]");
  CHECK(lines(checked.read.problems) ==
        "f.yaml:1:16: unknown key 'nme' in interfaces[0]; did you mean 'name'?\n");
}

TEST_CASE("what the command line asks for is checked too, without a place") {
  const auto checked = daemon::check_configuration(
      settings::quick({.interfaces = {"eth0"}, .filter = "port nonsense"}).result);
  REQUIRE(checked.read.problems.size() == 1);
  CHECK(lines(checked.read.problems).find("command line: interface eth0: ") == 0);
}

TEST_CASE("the shipped configuration and every example can be recorded by") {
  const auto folder = std::filesystem::path(CAPTURED_TEST_DATA) / "../../config";
  std::vector<std::filesystem::path> files{folder / "captured.yaml"};
  for (const auto& entry : std::filesystem::directory_iterator(folder / "examples")) {
    files.push_back(entry.path());
  }
  CHECK(files.size() >= 4);
  for (const auto& each : files) {
    INFO(each);
    CHECK(lines(daemon::check_configuration(settings::load(each)).read.problems).empty());
  }
}
