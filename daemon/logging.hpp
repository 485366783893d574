// SPDX-License-Identifier: MIT
//
// The log of the process. A line carries fields: in text they are part of the sentence, in JSON and
// in the journal they stand beside it too. Nobody who logs waits for whoever reads the log. What
// goes through spdlog's default logger comes out here as well, without fields.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <spdlog/fmt/fmt.h>

#include "daemon/log_record.hpp"
#include "settings/configuration.hpp"

namespace captured::daemon {

/// Sets up the log, to standard error: the journal, with fields, when that is it. Until
/// `start_log_thread` each line is written at once, and there is no thread. Call once.
void start_logging(const settings::log_settings& options);

/// From here on who logs never waits. Call once, when rights were given up: a thread would keep
/// its own.
void start_log_thread();

/// Level and nothing else can change while it runs. Any thread.
void set_log_level(settings::log_level level);

/// Writes out what is still held, for a second at most. Other threads may be logging.
void flush_log();

/// Writes out what is held, for two seconds at most, and ends the thread if it can.
void finish_logging();

/// What a trouble of the same thing for the same cause is to be when it comes again.
struct trouble {
  log_fields about;
  std::string_view cause;  ///< the same for the same kind of trouble: "open", "disk full"
};

[[nodiscard]] bool is_logged(settings::log_level level);
void write_log(settings::log_level level, log_fields about, std::string text);
void write_trouble(settings::log_level level, const trouble& what, const std::string& text);
void write_over(const log_fields& about, const std::string& text);

/// log_line(log_level::warning, {{"interface", name}}, "its link is down after {} s", seconds) says
/// "interface eth0: its link is down after 5 s". Any thread.
template <class... Args>
void log_line(settings::log_level level, log_fields about, fmt::format_string<Args...> text,
              Args&&... args) {
  if (is_logged(level)) {
    write_log(level, std::move(about), fmt::format(text, std::forward<Args>(args)...));
  }
}

/// The same for a trouble that may come again and again: said at once, then at the calm rate of
/// calm_log with how often it came. Any thread.
template <class... Args>
void log_trouble(settings::log_level level, const trouble& what, fmt::format_string<Args...> text,
                 Args&&... args) {
  write_trouble(level, what, fmt::format(text, std::forward<Args>(args)...));
}

/// The thing is well again: says so, with how long it took, if a trouble of it had come. Any
/// thread.
template <class... Args>
void log_over(const log_fields& about, fmt::format_string<Args...> text, Args&&... args) {
  write_over(about, fmt::format(text, std::forward<Args>(args)...));
}

/// Shows a line below the log that the next one replaces, and that shares no line with the log; an
/// empty text takes it away. Where there is no terminal, it is a line of its own. Any thread.
void show_status_line(std::string text);

}  // namespace captured::daemon
