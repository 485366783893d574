// SPDX-License-Identifier: MIT
#include "settings/parse.hpp"
#include "settings/problem.hpp"
#include "support/catch.hpp"

using namespace captured::settings;

TEST_CASE("a problem is printed as a compiler prints one") {
  CHECK(problem{"captured.yaml", {12, 5}, "unknown key"}.message() ==
        "captured.yaml:12:5: unknown key");
  CHECK(problem{"captured.yaml", {}, "it cannot be opened"}.message() ==
        "captured.yaml: it cannot be opened");
}

TEST_CASE("problems are listed in the order of the file, equal places as they were found") {
  std::vector<problem> problems{{"f", {2, 9}, "d"},
                                {"f", {2, 1}, "b"},
                                {"f", {10, 1}, "e"},
                                {"f", {2, 1}, "c"},
                                {"f", {}, "a"}};
  sort_by_place(problems);
  std::string order;
  for (const auto& each : problems) {
    order += each.text;
  }
  CHECK(order == "abcde");
}

TEST_CASE("a text in a message is cut when long, between characters, and shows no controls") {
  CHECK(quoted("eth0") == "'eth0'");
  CHECK(quoted("a\nb\x1b[31m\x7f") == "'a?b?[31m?'");
  CHECK(quoted(std::string(60, 'x')) == "'" + std::string(60, 'x') + "'");
  CHECK(quoted(std::string(61, 'x')) == "'" + std::string(60, 'x') + "…'");
  CHECK(quoted(std::string(59, 'x') + "ü") == "'" + std::string(59, 'x') + "…'");
  CHECK(quoted(std::string(100, '\x80')) == "'…'");
}

TEST_CASE("a remark gets the place of its value, or of the innermost thing that the file names") {
  const auto read =
      parse("interfaces:\n  - name: eth0\n    ring: { size: 8MiB }\n  - name: eth1\n", "f.yaml");
  const auto place = [&](const char* path) { return placed(read, {path, "text"}).message(); };
  CHECK(place("interfaces[0].ring.size") == "f.yaml:3:19: text");
  CHECK(place("interfaces[0].ring.block") == "f.yaml:3:11: text");
  CHECK(place("interfaces[1].ring.block") == "f.yaml:4:5: text");
  CHECK(place("outputs[0].retain.size") == "f.yaml:1:1: text");
  CHECK(place("") == "f.yaml: text");
  CHECK(placed(read, {"interfaces[1]", "text"}).warning() == "f.yaml:4:5: warning: text");
}
