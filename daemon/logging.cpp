// SPDX-License-Identifier: MIT
#include "daemon/logging.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>

#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "daemon/calm_log.hpp"
#include "daemon/log_outputs.hpp"
#include "daemon/log_queue.hpp"

namespace captured::daemon {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t queue_lines_max = 8192;  // some megabytes, and minutes of a bad day

/// Made once and never destroyed: a thread that waits for a reader who does not come stays in it
/// until the process ends.
struct log_state {
  explicit log_state(settings::log_format format)
      : output(make_log_output(STDERR_FILENO, format)), queue(*output, queue_lines_max) {}

  std::unique_ptr<log_output> output;
  log_queue queue;
  std::atomic<settings::log_level> level{settings::log_level::info};
  std::mutex calm_mutex;
  calm_log calm;
};

std::atomic<log_state*> the_log{nullptr};

/// Text on standard error until somebody says otherwise.
log_state& log() {
  if (the_log.load() == nullptr) {
    start_logging({});
  }
  return *the_log.load();
}

settings::log_level from_spdlog(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return settings::log_level::trace;
    case spdlog::level::debug:
      return settings::log_level::debug;
    case spdlog::level::warn:
      return settings::log_level::warning;
    case spdlog::level::err:
    case spdlog::level::critical:
      return settings::log_level::error;
    default:
      return settings::log_level::info;
  }
}

spdlog::level::level_enum to_spdlog(settings::log_level level) {
  switch (level) {
    case settings::log_level::trace:
      return spdlog::level::trace;
    case settings::log_level::debug:
      return spdlog::level::debug;
    case settings::log_level::info:
      return spdlog::level::info;
    case settings::log_level::warning:
      return spdlog::level::warn;
    case settings::log_level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

/// Whose troubles end together: each folder of an output has its own.
std::string thing_of(const log_fields& about) {
  const auto directory = std::ranges::find(about, "directory", &log_fields::value_type::first);
  return subject_of(about) + (directory == about.end() ? std::string() : directory->second);
}

/// What other parts of the process log, without fields.
class bridge final : public spdlog::sinks::sink {
 public:
  void log(const spdlog::details::log_msg& message) override {
    write_log(from_spdlog(message.level), {},
              std::string(message.payload.data(), message.payload.size()));
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}
};

}  // namespace

void start_logging(const settings::log_settings& options) {
  the_log = std::make_unique<log_state>(options.format).release();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("captured", std::make_shared<bridge>()));
  set_log_level(options.level);
}

void start_log_thread() {
  log().queue.start();
}

void set_log_level(settings::log_level level) {
  log().level = level;
  spdlog::default_logger_raw()->set_level(to_spdlog(level));
}

void flush_log() {
  // Late or not, there is nothing more to be done about it.
  static_cast<void>(log().queue.drain(1s));
}

void finish_logging() {
  static_cast<void>(log().queue.finish(2s));
}

bool is_logged(settings::log_level level) {
  return level >= log().level.load();
}

void write_log(settings::log_level level, log_fields about, std::string text) {
  log().queue.push({std::chrono::system_clock::now(), level, std::move(about), std::move(text)});
}

void write_trouble(settings::log_level level, const trouble& what, const std::string& text) {
  log_state& state = log();
  std::optional<calm_log::history> history;
  {
    const std::lock_guard lock(state.calm_mutex);
    history = state.calm.trouble(thing_of(what.about), std::string(what.cause),
                                 std::chrono::steady_clock::now());
  }
  if (history && is_logged(level)) {
    log_fields about = what.about;
    about.emplace_back("cause", what.cause);
    about.emplace_back("times", std::to_string(history->times));
    write_log(level, std::move(about), text + history->repetition());
  }
}

void write_over(const log_fields& about, const std::string& text) {
  log_state& state = log();
  std::optional<calm_log::history> history;
  {
    const std::lock_guard lock(state.calm_mutex);
    history = state.calm.over(thing_of(about), std::chrono::steady_clock::now());
  }
  if (history && is_logged(log_level::info)) {
    write_log(log_level::info, about,
              text + ", after " + lasting_text(history->lasting) + " of trouble");
  }
}

void show_status_line(std::string text) {
  log().queue.show_status(std::move(text));
}

}  // namespace captured::daemon
