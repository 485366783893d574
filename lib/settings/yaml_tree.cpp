// SPDX-License-Identifier: MIT
#include "settings/yaml_tree.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <set>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "settings/utf8.hpp"

namespace captured::settings {

namespace {

/// Some editors put it before UTF-8 text; the parser would not count it.
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

position place_of(const YAML::Mark& mark) {
  return mark.is_null() ? position{} : position{mark.line + 1, mark.column + 1};
}

/// Thrown through the parser when going on makes no sense.
struct too_deep {
  position at;
};

/// Does the text begin with a quote that has no end? The parser takes the end of the file for it.
bool is_left_open(std::string_view text) {
  const char quote = text.empty() ? ' ' : text[0];
  if (quote != '"' && quote != '\'') {
    return false;
  }
  std::size_t at = 1;
  while (at < text.size()) {
    const bool is_pair = quote == '"' ? text[at] == '\\' : text.substr(at, 2) == "''";
    if (text[at] == quote && !is_pair) {
      return false;
    }
    at += is_pair ? std::size_t{2} : 1;
  }
  return true;
}

/// Builds the tree from the parser's events. A frame is a mapping or list that is not yet closed.
class tree_builder final : public YAML::EventHandler {
 public:
  tree_builder(std::string_view text, const std::string& file, std::vector<problem>& problems)
      : text_(text), file_(file), problems_(problems) {}

  std::optional<yaml_node> take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    add({yaml_node::kind::nothing, place_of(mark), {}, {}, {}});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    complain(place_of(mark), "aliases (*name) are not taken here; write the value out");
    add({yaml_node::kind::nothing, place_of(mark), {}, {}, {}});
  }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    complain(place_of(mark), "anchors (&name) are not taken here; write the value out each time");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    check_tag(mark, tag);
    if (is_left_open(text_.substr(std::min(text_.size(), static_cast<std::size_t>(mark.pos))))) {
      complain(place_of(mark), "the quote that begins here is not closed");
    }
    add({yaml_node::kind::scalar, place_of(mark), value, {}, {}});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, yaml_node::kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, yaml_node::kind::mapping);
  }
  void OnMapEnd() override { close(); }

 private:
  struct frame {
    yaml_node node;
    std::set<std::string> keys;
    std::optional<yaml_node> key;  // of a mapping, while its value is awaited
  };

  void complain(position at, std::string text) {
    problems_.push_back({file_, at, std::move(text)});
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    // The parser gives "?" to plain values and "!" to quoted ones.
    if (!tag.empty() && tag != "?" && tag != "!") {
      complain(place_of(mark),
               "tags (!name) are not taken here; put a value that begins with '!' in quotes");
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, yaml_node::kind what) {
    check_tag(mark, tag);
    if (frames_.size() == yaml_depth_max) {
      throw too_deep{place_of(mark)};
    }
    frames_.push_back({{what, place_of(mark), {}, {}, {}}, {}, std::nullopt});
  }

  void close() {
    yaml_node node = std::move(frames_.back().node);
    frames_.pop_back();
    add(std::move(node));
  }

  void add(yaml_node node) {
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    frame& top = frames_.back();
    if (top.node.what == yaml_node::kind::list) {
      top.node.items.push_back(std::move(node));
    } else if (!top.key) {
      top.key = std::move(node);
    } else {
      add_entry(top, std::move(*top.key), std::move(node));
      top.key.reset();
    }
  }

  void add_entry(frame& top, yaml_node key, yaml_node value) {
    if (key.what != yaml_node::kind::scalar) {
      complain(key.at, "a key must be a single word");
    } else if (!top.keys.insert(key.text).second) {
      complain(key.at, "the key " + quoted(key.text) + " stands twice in the same place");
    } else {
      if (value.what == yaml_node::kind::nothing) {
        value.at = key.at;  // the parser gives the place of whatever comes next
      }
      top.node.entries.push_back({std::move(key.text), key.at, std::move(value)});
    }
  }

  std::string_view text_;
  const std::string& file_;
  std::vector<problem>& problems_;
  std::vector<frame> frames_;
  std::optional<yaml_node> root_;
};

/// Where the text stops being text, if it does.
std::optional<problem> find_foreign_octet(std::string_view text, const std::string& file) {
  position at{1, 1};
  while (!text.empty()) {
    const auto octet = static_cast<unsigned char>(text[0]);
    const bool is_blank = octet == '\t' || octet == '\n' || octet == '\r';
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      return problem{file, at, "this is not UTF-8 text"};
    }
    if ((octet < 0x20 && !is_blank) || octet == 0x7f) {
      return problem{file, at, "a control character; this is not a text file"};
    }
    at = octet == '\n' ? position{at.line + 1, 1} : position{at.line, at.column + 1};
    text.remove_prefix(length);
  }
  return std::nullopt;
}

/// The parser's words, or plainer ones for what happens most.
std::string plain_words(const std::string& words) {
  struct plain {
    std::string_view parsers;
    const char* ours;
  };
  constexpr auto known = std::to_array<plain>({
      {"end of map not found", "the indentation does not fit the lines above"},
      {"end of sequence not found", "the indentation does not fit the lines above"},
      {"illegal map value", "a ':' inside a value; put the value in quotes"},
      {"illegal flow end", "brackets do not fit each other"},
      {"end of map flow not found", "a bracket is not closed, or a ',' is missing"},
      {"end of sequence flow not found", "a bracket is not closed, or a ',' is missing"},
  });
  const auto* const found = std::ranges::find(known, words, &plain::parsers);
  return found == known.end() ? words : found->ours;
}

/// What the parser found wrong; a tab in the indentation is named as what it is.
std::string syntax_words(std::string_view text, position at, const std::string& words) {
  for (int line = 1; line < at.line && !text.empty(); ++line) {
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  const auto indentation = text.substr(0, text.find_first_not_of(" \t"));
  if (indentation.find('\t') != std::string_view::npos) {
    return "a tab in the indentation; YAML takes blanks only";
  }
  return "this is not YAML: " + plain_words(words);
}

void parse(std::string_view text, const std::string& file, yaml_document& document) {
  tree_builder builder(text, file, document.problems);
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  if (!parser.HandleNextDocument(builder)) {
    document.root = yaml_node{};
    return;
  }
  document.root = builder.take_root();
  tree_builder rest(text, file, document.problems);
  if (parser.HandleNextDocument(rest)) {
    const auto second = rest.take_root();
    document.problems.push_back(
        {file, second ? second->at : position{}, "a second YAML document; only one is taken"});
  }
}

}  // namespace

const yaml_node* yaml_node::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &yaml_entry::key);
  return found == entries.end() ? nullptr : &found->value;
}

yaml_document read_yaml(std::string_view text, const std::string& file) {
  yaml_document document;
  const auto refuse = [&](position at, std::string words) {
    document.root.reset();
    // The parser's own words can hold octets of the text, such as the end of it as a zero.
    document.problems.push_back({file, at, printable(std::move(words))});
  };
  if (text.size() > yaml_bytes_max) {
    refuse({}, "it is larger than 1 MiB; this is no configuration");
    return document;
  }
  if (text.starts_with(byte_order_mark)) {
    text.remove_prefix(byte_order_mark.size());
  }
  if (auto foreign = find_foreign_octet(text, file)) {
    document.problems.push_back(std::move(*foreign));
    return document;
  }
  try {
    parse(text, file, document);
  } catch (const too_deep& deep) {
    refuse(deep.at, "mappings and lists are nested too deeply");
  } catch (const YAML::Exception& error) {
    const auto at = place_of(error.mark);
    refuse(at, syntax_words(text, at, error.msg));
  } catch (const std::exception& error) {
    refuse({}, std::string("this is not YAML: ") + error.what());
  }
  return document;
}

}  // namespace captured::settings
