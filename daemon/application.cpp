// SPDX-License-Identifier: MIT
#include "daemon/application.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "daemon/ledger_report.hpp"
#include "daemon/log_warnings.hpp"
#include "daemon/logging.hpp"
#include "daemon/recording.hpp"

namespace captured::daemon {

namespace {

/// The recording together with what may end it.
class application {
 public:
  explicit application(run_options options) : options_(std::move(options)) {
    for (const int number : {SIGHUP, SIGTERM, SIGINT, SIGUSR1}) {
      signals_.add(number);
    }
  }

  int run(const settings::configuration& wanted);

 private:
  void on_ready(const settings::configuration& wanted);
  void await_signal();
  void on_signal(int number);
  void await_end_of_time();
  void show_live();
  void stop(const char* why);
  void report();
  [[nodiscard]] int status() const;

  run_options options_;
  boost::asio::io_context context_{1};
  boost::asio::signal_set signals_{context_};
  boost::asio::steady_timer end_of_time_{context_};
  boost::asio::steady_timer live_timer_{context_};
  std::unique_ptr<recording> recording_;
  std::uint64_t live_stored_ = 0;
  int stop_signals_ = 0;
  bool stopping_ = false;
  bool failed_at_start_ = false;
};

int application::run(const settings::configuration& wanted) {
  std::signal(SIGPIPE, SIG_IGN);  // whoever reads the log may go, the recording stays
  auto made = recording::make(context_, wanted);
  if (!made) {
    spdlog::error("{}", made.error().message());
    return exit_status::trouble;
  }
  recording_ = std::move(*made);
  await_signal();
  const auto started =
      recording_->start([this, &wanted] { on_ready(wanted); }, [this] { context_.stop(); });
  if (!started) {
    spdlog::error("{}", started.error().message());
    return exit_status::trouble;
  }
  context_.run();
  if (!failed_at_start_) {
    report();
  }
  const int result = failed_at_start_ ? exit_status::trouble : status();
  if (recording_->outcome().hanging) {
    // A thread may be held by a dead disk for ever: no destructor waits for it.
    flush_log();
    std::_Exit(result);
  }
  return result;
}

void application::on_ready(const settings::configuration& wanted) {
  if (options_.occasion == occasion::quick_recording && recording_->interface_count() == 0) {
    failed_at_start_ = true;  // why was said
    stopping_ = true;
    return recording_->stop();
  }
  spdlog::info("ready: recording {} interface(s) into {} output(s)", recording_->interface_count(),
               recording_->output_count());
  log_warnings_apart(wanted, options_.occasion);
  if (options_.duration) {
    await_end_of_time();
  }
  if (options_.live) {
    show_live();
  }
}

void application::await_signal() {
  signals_.async_wait([this](boost::system::error_code error, int number) {
    if (!error) {
      on_signal(number);
      await_signal();
    }
  });
}

void application::on_signal(int number) {
  switch (number) {
    case SIGHUP:
      recording_->rotate();
      return;
    case SIGUSR1:
      recording_->refresh_ledger([this] { spdlog::info("{}", ledger_line(recording_->ledger())); });
      return;
    default:
      if (++stop_signals_ > 1) {
        spdlog::warn("ended at once by a second signal; the open file stays as it is");
        flush_log();
        std::_Exit(exit_status::interrupted);
      }
      if (!stopping_) {
        stop(number == SIGINT ? "SIGINT" : "SIGTERM");
      }
  }
}

void application::await_end_of_time() {
  end_of_time_.expires_after(*options_.duration);
  end_of_time_.async_wait([this](boost::system::error_code error) {
    if (!error && !stopping_) {
      stop("the time given is over");
    }
  });
}

void application::stop(const char* why) {
  stopping_ = true;
  live_timer_.cancel();
  spdlog::info("stopping: {}", why);
  recording_->stop();
}

void application::show_live() {
  recording_->refresh_ledger([this] {
    std::uint64_t stored = 0;
    std::uint64_t lost = 0;
    std::uint64_t octets = 0;
    for (const ledger_row& row : recording_->ledger()) {
      stored += row.figures.stored;
      lost += row.figures.osdrop;
      octets += row.figures.octets_stored;
    }
    show_status_line(fmt::format("{:>12} packets  {:>10.1f} MiB  {:>9}/s  {} lost", stored,
                                 static_cast<double>(octets) / 1048576.0, stored - live_stored_,
                                 lost));
    live_stored_ = stored;
  });
  live_timer_.expires_after(std::chrono::seconds(1));
  live_timer_.async_wait([this](boost::system::error_code error) {
    if (!error && !stopping_) {
      show_live();
    }
  });
}

void application::report() {
  const auto rows = recording_->ledger();
  if (options_.live) {
    show_status_line({});
  }
  spdlog::info("{}", ledger_line(rows));
  flush_log();  // the table below it, should both go to the same place
  std::fputs(ledger_table(rows).c_str(), stdout);
  std::fflush(stdout);
  if (!options_.ledger_file.empty()) {
    std::ofstream file(options_.ledger_file);
    file << ledger_json(rows) << '\n';
    file.close();
    if (!file) {
      spdlog::error("write the ledger to {}: {}", options_.ledger_file, std::strerror(errno));
    }
  }
}

int application::status() const {
  const recording_outcome outcome = recording_->outcome();
  const bool balanced = all_balanced(recording_->ledger());
  const bool good = balanced && !outcome.required_failed && !outcome.unwritten && !outcome.inexact;
  return good ? exit_status::success : exit_status::trouble;
}

}  // namespace

int run(const settings::configuration& wanted, const run_options& options) {
  return application(options).run(wanted);
}

}  // namespace captured::daemon
