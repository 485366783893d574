// SPDX-License-Identifier: MIT
#include "settings/near_miss.hpp"
#include "support/catch.hpp"

using namespace captured::settings;

TEST_CASE("the distance of two words counts insertions, removals, replacements and swaps") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("filter", "filter") == 0);
  CHECK(edit_distance("fliter", "filter") == 1);
  CHECK(edit_distance("filte", "filter") == 1);
  CHECK(edit_distance("filtter", "filter") == 1);
  CHECK(edit_distance("fulter", "filter") == 1);
  CHECK(edit_distance("ab", "ba") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("abcdef", "badcfe") == 3);
}

TEST_CASE("the distance is the same in both directions") {
  const std::vector<std::string> words{"", "a", "ab", "ba", "ring", "size", "snaplen", "filter"};
  for (const auto& one : words) {
    for (const auto& other : words) {
      CHECK(edit_distance(one, other) == edit_distance(other, one));
    }
  }
}

TEST_CASE("a near miss is named, the nearest one when there are several") {
  const std::vector<std::string> known{"filter", "snaplen", "ring", "in", "interval", "interfaces"};
  CHECK(suggestion("fliter", known) == "; did you mean 'filter'?");
  CHECK(suggestion("FILTER", known) == "; did you mean 'filter'?");
  CHECK(suggestion("rnig", known) == "; did you mean 'ring'?");
  CHECK(suggestion("interval ", known) == "; did you mean 'interval'?");
  CHECK(suggestion("int", {"interval", "in"}) == "; did you mean 'in'?");
}

TEST_CASE("the beginning of a word is a near miss from three letters on") {
  CHECK(nearest("inter", {"size", "interval"}) == "interval");
  CHECK(nearest("warn", {"info", "warning"}) == "warning");
  CHECK(nearest("wa", {"info", "warning"}).empty());
}

TEST_CASE("what is far from everything, or long, has no suggestion") {
  CHECK(suggestion("destination", {"level", "format"}).empty());
  CHECK(suggestion("x", {"in"}).empty());
  CHECK(suggestion("a", {"b"}).empty());
  CHECK(suggestion("", {"in", "a"}).empty());
  CHECK(suggestion(std::string(100000, 'f'), {"filter"}).empty());
  CHECK(suggestion("filter", {}).empty());
}
