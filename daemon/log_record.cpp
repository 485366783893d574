// SPDX-License-Identifier: MIT
#include "daemon/log_record.hpp"

#include <algorithm>
#include <array>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <spdlog/fmt/chrono.h>
#include <spdlog/fmt/fmt.h>
#include <syslog.h>

#include "settings/problem.hpp"
#include "settings/utf8.hpp"

namespace captured::daemon {

namespace {

struct level_form {
  std::string_view word;
  int priority;             // of syslog(3)
  std::string_view colour;  // of a terminal, ECMA-48
};

const level_form& form_of(log_level level) {
  static constexpr std::array<level_form, 5> forms{{
      {"trace", LOG_DEBUG, ""},
      {"debug", LOG_DEBUG, ""},
      {"info", LOG_INFO, ""},
      {"warning", LOG_WARNING, "\x1b[33m"},
      {"error", LOG_ERR, "\x1b[31m"},
  }};
  return forms.at(static_cast<std::size_t>(level));
}

template <class Fraction>
std::string time_text(std::chrono::system_clock::time_point time, int digits) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto fraction = std::chrono::duration_cast<Fraction>(time - whole).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:0{}}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), fraction, digits);
}

std::string sentence_of(const log_record& record) {
  return subject_of(record.about) + record.text;
}

}  // namespace

std::string_view word_of(log_level level) {
  return form_of(level).word;
}

std::string subject_of(const log_fields& about) {
  std::string subject;
  for (const std::string_view name : {"interface", "output"}) {
    const auto found = std::ranges::find(about, name, &log_fields::value_type::first);
    if (found != about.end()) {
      subject += (subject.empty() ? "" : ", ") + std::string(name) + " " + found->second;
    }
  }
  return subject.empty() ? subject : subject + ": ";
}

std::string text_line(const log_record& record, bool coloured) {
  const auto& [word, priority, colour] = form_of(record.level);
  const bool with_colour = coloured && !colour.empty();
  return fmt::format("{} {}{}{} {}\n", time_text<std::chrono::milliseconds>(record.time, 3),
                     with_colour ? colour : "", word, with_colour ? "\x1b[0m" : "",
                     settings::printable(sentence_of(record)));
}

std::string json_line(const log_record& record) {
  boost::json::object line;
  line["time"] = time_text<std::chrono::microseconds>(record.time, 6);
  line["level"] = word_of(record.level);
  line["message"] = settings::valid_utf8(sentence_of(record));
  for (const auto& [name, value] : record.about) {
    line.emplace(name, settings::valid_utf8(value));  // which leaves what is there already
  }
  return boost::json::serialize(line) + "\n";
}

std::vector<std::string> journal_entry(const log_record& record) {
  std::vector<std::string> entry{
      "MESSAGE=" + settings::printable(sentence_of(record)),
      "PRIORITY=" + std::to_string(form_of(record.level).priority),
      "SYSLOG_IDENTIFIER=captured",
  };
  for (const auto& [name, value] : record.about) {
    std::string field = name;
    for (char& c : field) {
      c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    entry.push_back(field + "=" + value);
  }
  return entry;
}

}  // namespace captured::daemon
