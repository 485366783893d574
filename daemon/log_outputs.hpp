// SPDX-License-Identifier: MIT
//
// Where lines of the log go: a descriptor, as text or JSON, or the journal with fields. Both wait
// for their reader; that nobody else does is log_queue's.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "daemon/log_queue.hpp"

namespace captured::daemon {

/// Writes to a descriptor that stays the caller's. On a terminal the status line is redrawn below
/// the lines of the log; elsewhere each one is a line of its own.
class stream_output final : public log_output {
 public:
  stream_output(int fd, settings::log_format format);
  void write(const log_record& record) override;
  void show_status(const std::string& text) override;

 private:
  void put(std::string_view text) const;

  int fd_;
  settings::log_format format_;
  bool terminal_;
  bool coloured_;       // a terminal, unless NO_COLOR is set (no-color.org)
  std::string status_;  // what stands below the log on a terminal
};

/// Is this descriptor the journal's, as JOURNAL_STREAM says (systemd.exec(5))? `journal_stream` is
/// the value of that variable, "device:inode", or null.
[[nodiscard]] bool is_journal(int fd, const char* journal_stream);

/// Sends to the journal with fields; status lines are passed over.
[[nodiscard]] std::unique_ptr<log_output> make_journal_output();

/// What fits: the journal when text is wanted and the descriptor leads there anyhow.
[[nodiscard]] std::unique_ptr<log_output> make_log_output(int fd, settings::log_format format);

}  // namespace captured::daemon
