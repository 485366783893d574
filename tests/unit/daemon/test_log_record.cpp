// SPDX-License-Identifier: MIT
#include "daemon/log_record.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace std::chrono_literals;
using daemon::log_level;
using daemon::log_record;

namespace {

/// 2026-01-31T12:34:56.007089Z
constexpr std::chrono::system_clock::time_point moment{
    std::chrono::microseconds(1'769'862'896'007'089)};

}  // namespace

TEST_CASE("a line of text has its time, level, subject and sentence") {
  CHECK(daemon::text_line({moment, log_level::info, {}, "ready"}, false) ==
        "2026-01-31T12:34:56.007Z info ready\n");
  const log_record about_both{moment,
                              log_level::warning,
                              {{"output", "main"}, {"file", "a.pcapng"}, {"interface", "eth0"}},
                              "writing a.pcapng"};
  CHECK(daemon::text_line(about_both, false) ==
        "2026-01-31T12:34:56.007Z warning interface eth0, output main: writing a.pcapng\n");
  CHECK(daemon::text_line({moment, log_level::error, {{"output", "main"}}, "full"}, true) ==
        "2026-01-31T12:34:56.007Z \x1b[31merror\x1b[0m output main: full\n");
}

TEST_CASE("nothing in a line of text can begin another line or steer a terminal") {
  const log_record forged{moment,
                          log_level::info,
                          {{"interface", "e\x1b[2J"}},
                          "a\n2026-01-31T12:34:56.007Z error b\r\x7f"};
  CHECK(daemon::text_line(forged, false) ==
        "2026-01-31T12:34:56.007Z info interface e?[2J: a?2026-01-31T12:34:56.007Z error b??\n");
}

TEST_CASE("a line of JSON is one object with the whole sentence and each field") {
  const log_record record{moment,
                          log_level::warning,
                          {{"interface", "eth0"}, {"cause", "x\"y"}, {"level", "forged"}},
                          "a \"quoted\"\nline \xff"};
  CHECK(daemon::json_line(record) ==
        "{\"time\":\"2026-01-31T12:34:56.007089Z\",\"level\":\"warning\","
        "\"message\":\"interface eth0: a \\\"quoted\\\"\\nline \xef\xbf\xbd\","
        "\"interface\":\"eth0\",\"cause\":\"x\\\"y\"}\n");
}

TEST_CASE("an entry of the journal has a field for each field") {
  const log_record record{
      moment, log_level::error, {{"output", "main"}, {"cause", "disk full"}}, "no space"};
  CHECK(daemon::journal_entry(record) ==
        std::vector<std::string>{"MESSAGE=output main: no space", "PRIORITY=3",
                                 "SYSLOG_IDENTIFIER=captured", "OUTPUT=main", "CAUSE=disk full"});
}

TEST_CASE("levels have the words of the configuration and the priorities of syslog") {
  const auto priority = [](log_level level) {
    return daemon::journal_entry({moment, level, {}, ""})[1];
  };
  CHECK(daemon::word_of(log_level::trace) == "trace");
  CHECK(daemon::word_of(log_level::error) == "error");
  CHECK(priority(log_level::trace) == "PRIORITY=7");
  CHECK(priority(log_level::debug) == "PRIORITY=7");
  CHECK(priority(log_level::info) == "PRIORITY=6");
  CHECK(priority(log_level::warning) == "PRIORITY=4");
}
