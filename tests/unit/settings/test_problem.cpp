// SPDX-License-Identifier: MIT
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
