// SPDX-License-Identifier: MIT
#include "daemon/logging.hpp"

#include <memory>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace captured::daemon {

namespace {

/// The message as the inside of a JSON string.
class json_message final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    static constexpr char digits[] = "0123456789abcdef";
    for (const char c : message.payload) {
      const auto code = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out.push_back('\\');
        out.push_back(c);
      } else if (code < 0x20) {
        for (const char escape : {'\\', 'u', '0', '0', digits[code >> 4], digits[code & 15]}) {
          out.push_back(escape);
        }
      } else {
        out.push_back(c);
      }
    }
  }
  [[nodiscard]] std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<json_message>();
  }
};

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

}  // namespace

void start_logging(const settings::log_settings& options) {
  auto logger = spdlog::stderr_color_mt("captured");
  if (options.format == settings::log_format::json) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    formatter->add_flag<json_message>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","message":"%*"})");
    logger->set_formatter(std::move(formatter));
  } else {
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);
  }
  logger->set_level(to_spdlog(options.level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void flush_log() {
  spdlog::default_logger_raw()->flush();
}

void finish_logging() {
  spdlog::shutdown();
}

}  // namespace captured::daemon
