// SPDX-License-Identifier: MIT
//
// One line of the log with its fields, and how it is written: as text, as JSON, or as the fields of
// a journal entry. Pure text; where lines go is log_output's.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settings/configuration.hpp"

namespace captured::daemon {

using settings::log_level;

/// What a line is about, by name: small letters, digits and '_'. The names `interface` and `output`
/// are its subject and stand before its sentence in every form; what other fields say must be said
/// by the sentence too, for text shows that alone. `time`, `level` and `message` are taken.
using log_fields = std::vector<std::pair<std::string, std::string>>;

struct log_record {
  std::chrono::system_clock::time_point time;
  log_level level = log_level::info;
  log_fields about = {};
  std::string text;
};

/// "info", "warning" …
[[nodiscard]] std::string_view word_of(log_level level);

/// "interface eth0, output main: " from the fields that are the subject, or an empty text.
[[nodiscard]] std::string subject_of(const log_fields& about);

/// "2026-01-31T12:00:00.123Z warning interface eth0: …" with its line end; control characters,
/// which could forge lines or steer a terminal, are shown as '?'. `coloured` is for a terminal.
[[nodiscard]] std::string text_line(const log_record& record, bool coloured);

/// One JSON object with its line end: time, level and message as strings, then each field. What is
/// not UTF-8 is replaced (U+FFFD).
[[nodiscard]] std::string json_line(const log_record& record);

/// "NAME=value" for each field of a journal entry (systemd.journal-fields(7)): MESSAGE, PRIORITY,
/// SYSLOG_IDENTIFIER, and each field with its name in capitals.
[[nodiscard]] std::vector<std::string> journal_entry(const log_record& record);

}  // namespace captured::daemon
