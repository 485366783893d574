// SPDX-License-Identifier: MIT
#include "daemon/log_outputs.hpp"

#include <cerrno>
#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

#include "daemon/journal.hpp"

namespace captured::daemon {

namespace {

constexpr std::string_view clear_line = "\r\x1b[K";

class journal_output final : public log_output {
 public:
  void write(const log_record& record) override { send_to_journal(journal_entry(record)); }
  void show_status(const std::string&) override {}
};

}  // namespace

stream_output::stream_output(int fd, settings::log_format format)
    : fd_(fd),
      format_(format),
      terminal_(::isatty(fd) == 1),
      coloured_(terminal_ && std::getenv("NO_COLOR") == nullptr) {}

void stream_output::put(std::string_view text) const {
  while (!text.empty()) {
    const auto written = ::write(fd_, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      return;  // nobody reads any more, or nothing more can be said to him
    }
  }
}

void stream_output::write(const log_record& record) {
  const auto line =
      format_ == settings::log_format::json ? json_line(record) : text_line(record, coloured_);
  put(status_.empty() ? line : std::string(clear_line) + line + status_);
}

void stream_output::show_status(const std::string& text) {
  if (!terminal_) {
    put(text.empty() ? text : text + "\n");
    return;
  }
  put(std::string(clear_line) + text);
  status_ = text;
}

bool is_journal(int fd, const char* journal_stream) {
  struct stat status {};
  return journal_stream != nullptr && ::fstat(fd, &status) == 0 &&
         std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == journal_stream;
}

std::unique_ptr<log_output> make_journal_output() {
  return std::make_unique<journal_output>();
}

std::unique_ptr<log_output> make_log_output(int fd, settings::log_format format) {
  if (format == settings::log_format::text && is_journal(fd, std::getenv("JOURNAL_STREAM"))) {
    return make_journal_output();
  }
  return std::make_unique<stream_output>(fd, format);
}

}  // namespace captured::daemon
