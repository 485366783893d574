// SPDX-License-Identifier: MIT
//
// Between those who log and those who read the log: a bounded queue with a thread that writes. Who
// logs never waits for a reader; when the reader is slow, the oldest lines go and are counted.
// (spdlog's own queue carries text without fields, and its end waits for the reader for ever.)
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "daemon/log_record.hpp"

namespace captured::daemon {

/// What takes the lines. Called from one thread at a time; may wait for its reader.
class log_output {
 public:
  virtual ~log_output() = default;
  virtual void write(const log_record& record) = 0;
  /// Shows a line that the next one replaces. An empty text takes it away.
  virtual void show_status(const std::string& text) = 0;
};

/// Any thread may call any member.
class log_queue {
 public:
  /// Until `start` each line is written at once by who logs it; afterwards by a thread of its own.
  log_queue(log_output& output, std::size_t capacity) : output_(output), capacity_(capacity) {}
  /// Waits for the thread: see `finish`.
  ~log_queue();
  log_queue(const log_queue&) = delete;
  log_queue& operator=(const log_queue&) = delete;

  /// Once at most.
  void start();
  /// Waits for nobody but, for the length of a copy, others who log. Lines that had to go are told
  /// of by a line in their place.
  void push(log_record record);
  /// The same for the status line, of which only the newest is kept.
  void show_status(std::string text);
  /// Waits until everything is written that was pushed before; false when that takes longer.
  [[nodiscard]] bool drain(std::chrono::milliseconds at_most);
  /// Drains and ends the thread. False when the reader does not read: the thread then holds on to
  /// queue and output, and neither may be destroyed any more.
  [[nodiscard]] bool finish(std::chrono::milliseconds at_most);

 private:
  void run();
  void write_next(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool is_idle() const { return lines_.empty() && !status_ && !writing_; }

  log_output& output_;
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::deque<log_record> lines_;
  std::optional<std::string> status_;
  std::uint64_t dropped_ = 0;
  bool started_ = false;
  bool writing_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace captured::daemon
