// SPDX-License-Identifier: MIT
#include "settings/yaml_tree.hpp"
#include "support/catch.hpp"

using namespace captured::settings;
using kind = yaml_node::kind;

namespace {

yaml_node root_of(std::string_view text) {
  auto document = read_yaml(text, "f");
  REQUIRE(document.problems.empty());
  REQUIRE(document.root.has_value());
  return *document.root;
}

std::string first_problem(std::string_view text) {
  const auto document = read_yaml(text, "f");
  return document.problems.empty() ? "none" : document.problems[0].message();
}

}  // namespace

TEST_CASE("mappings, lists and scalars come with the place of their first character") {
  const auto root = root_of("a: 1\nb:\n  - x\n  - {c: \"y z\"}\n");
  REQUIRE(root.what == kind::mapping);
  REQUIRE(root.entries.size() == 2);
  CHECK(root.entries[0].key == "a");
  CHECK(root.entries[0].value.text == "1");
  CHECK(root.entries[0].value.at.column == 4);
  const auto* const list = root.find("b");
  REQUIRE(list != nullptr);
  REQUIRE(list->what == kind::list);
  CHECK(list->items[0].text == "x");
  CHECK(list->items[0].at.line == 3);
  CHECK(list->items[0].at.column == 5);
  CHECK(list->items[1].find("c")->text == "y z");
  CHECK(list->items[1].entries[0].at.column == 6);
  CHECK(root.find("c") == nullptr);
}

TEST_CASE("a value that is missing has the place of its key") {
  const auto root = root_of("a:\nb: ~\n");
  CHECK(root.find("a")->what == kind::nothing);
  CHECK(root.find("a")->at.line == 1);
  CHECK(root.find("b")->what == kind::nothing);
  CHECK(root.find("b")->at.line == 2);
}

TEST_CASE("texts may span lines, as YAML has it") {
  const auto root = root_of("a: >\n  tcp and\n  port 80\nb: |\n  x\n  y\nc: \"\\x41\\n\"\n");
  CHECK(root.find("a")->text == "tcp and port 80\n");
  CHECK(root.find("b")->text == "x\ny\n");
  CHECK(root.find("c")->text == "A\n");
}

TEST_CASE("an empty text is nothing, with or without comments or a byte order mark") {
  for (const auto* const text : {"", "\n\n", "# only\n", "\xef\xbb\xbf", "---\n", "---\n...\n"}) {
    INFO(text);
    CHECK(root_of(text).what == kind::nothing);
  }
  CHECK(root_of("\xef\xbb\xbf"
                "a: 1")
            .find("a")
            ->text == "1");
}

TEST_CASE("what is not UTF-8 text is refused with the place of the first foreign octet") {
  CHECK(first_problem("a: ü\nb: \xff") == "f:2:4: this is not UTF-8 text");
  CHECK(first_problem("ü\xc3") == "f:1:2: this is not UTF-8 text");
  for (const auto* const text :
       {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xf0\x90\x80"}) {
    CHECK(first_problem(text) == "f:1:1: this is not UTF-8 text");
  }
  for (const auto* const text : {"\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                                 "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(first_problem(text).find("UTF-8") == std::string::npos);
  }
  CHECK(first_problem(std::string_view("a\0b", 3)) ==
        "f:1:2: a control character; this is not a text file");
  CHECK(first_problem("a: \x1b[31m") == "f:1:4: a control character; this is not a text file");
}

TEST_CASE("what is too large or too deep is refused before it costs anything") {
  CHECK(first_problem(std::string(yaml_bytes_max + 1, ' ')) ==
        "f: it is larger than 1 MiB; this is no configuration");
  CHECK(first_problem(std::string(yaml_bytes_max, '[')).find("nested too deeply") !=
        std::string::npos);
  CHECK(first_problem(std::string(yaml_bytes_max, '{')) != "none");
  std::string block;
  for (std::size_t depth = 0; depth < 500; ++depth) {
    block += std::string(depth, ' ') + "a:\n";
  }
  CHECK(first_problem(block).find("nested too deeply") != std::string::npos);
  CHECK(first_problem(std::string(yaml_depth_max, '[') + std::string(yaml_depth_max, ']')) ==
        "none");
}

TEST_CASE("a large text of many keys or items is read in time") {
  std::string text;
  for (int i = 0; text.size() < yaml_bytes_max - 100; ++i) {
    text += "key" + std::to_string(i) + ": x\n";
  }
  CHECK(root_of(text).entries.size() > 50'000);
  text = "[";
  while (text.size() < yaml_bytes_max - 100) {
    text += "x,";
  }
  CHECK(root_of(text + "x]").items.size() > 500'000);
}

TEST_CASE("anchors, aliases, tags, double keys and second documents are refused") {
  CHECK(first_problem("a: &x 1") ==
        "f:1:4: anchors (&name) are not taken here; write the value out each time");
  CHECK(read_yaml("a: &x 1\nb: *x", "f").problems[1].message() ==
        "f:2:4: aliases (*name) are not taken here; write the value out");
  const std::string tag =
      "f:1:4: tags (!name) are not taken here; put a value that begins with '!' in quotes";
  CHECK(first_problem("a: !!int 1") == tag);
  CHECK(first_problem("a: !x [1]") == tag);
  CHECK(first_problem("a: 1\na: 2") == "f:2:1: the key 'a' stands twice in the same place");
  CHECK(first_problem("a: {b: 1}\nc: {b: 1}") == "none");
  CHECK(first_problem("a: 1\n---\nb: 1") == "f:3:1: a second YAML document; only one is taken");
  CHECK(first_problem("{a: 1}: b") == "f:1:1: a key must be a single word");
}

TEST_CASE("the parser's own words show no control characters") {
  CHECK(first_problem("a: \"\\") == "f:1:7: this is not YAML: unknown escape character: ?");
  CHECK(first_problem("a: \"\\\t\"").find('\t') == std::string::npos);
}

TEST_CASE("every text cut short is read or refused, never both") {
  const std::string text =
      "interfaces:\n  - name: eth0\n    filter: 'a ''b'\n    ring: { size: \"1\\x41\", b: [1, 2] "
      "}\n"
      "? x\n: |\n  y\n--- # end\n...\n";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const auto document = read_yaml(text.substr(0, length), "f");
    CHECK((document.root.has_value() || !document.problems.empty()));
  }
}

TEST_CASE("a quote without an end is found, and one with an end is not, whatever is before it") {
  for (const std::string before : {"", "\xef\xbb\xbf", "# \xc3\xa9\xe2\x80\xa6\n",
                                   "x: 1\r\n# '\r\n", "\xef\xbb\xbf# \xf0\x9d\x84\x9e \"\r\n"}) {
    INFO(before);
    for (const std::string good : {"'x'", "\"x\"", "'it''s'", "''", "\"\\\"\"", "\"a\\\\\"",
                                   "\"a\n  b\"", "'\"'", "\"'\""}) {
      INFO(good);
      CHECK(first_problem(before + "a: " + good + "\nb: 1") == "none");
    }
    for (const std::string bad : {"'x", "\"x", "'it''s", "\"\\\"", "'''", "'"}) {
      INFO(bad);
      CHECK(first_problem(before + "a: " + bad + "\n")
                .ends_with(":4: the quote that begins here is not closed"));
    }
  }
}
