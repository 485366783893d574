// SPDX-License-Identifier: MIT
#include "daemon/application.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/array.hpp>
#include <spdlog/spdlog.h>

#include "daemon/accounts.hpp"
#include "daemon/control_server.hpp"
#include "daemon/kept_rings.hpp"
#include "daemon/ledger_report.hpp"
#include "daemon/log_warnings.hpp"
#include "daemon/logging.hpp"
#include "daemon/onlookers.hpp"
#include "daemon/recording.hpp"
#include "daemon/reload.hpp"
#include "daemon/service_notify.hpp"
#include "daemon/service_watch.hpp"
#include "daemon/status_reader.hpp"
#include "daemon/status_report.hpp"

namespace captured::daemon {

namespace {

/// Beyond stop_timeout: for closing, renaming and the last words.
constexpr auto stop_reserve = std::chrono::seconds(10);

/// For what those who watch, and collectors, have not taken yet.
constexpr auto longest_farewell = std::chrono::seconds(8);

boost::json::array to_json(const std::vector<std::string>& texts) {
  boost::json::array array;
  for (const std::string& each : texts) {
    array.emplace_back(each);
  }
  return array;
}

/// The recording together with who may ask it, and what may end it.
class application {
 public:
  explicit application(run_options options);

  int run(const settings::configuration& wanted);

 private:
  void listen(const settings::control_settings& options);
  void on_request(const control_request& request, const control_reply& reply);
  void answer_status(const control_reply& reply);
  void answer_reload(const control_reply& reply);
  void take_up(const settings::configuration& wanted,
               std::function<void(std::vector<base::failure>)> done);
  void on_ready(const settings::configuration& wanted);
  void await_signal();
  void on_signal(int number);
  void await_end_of_time();
  void show_live();
  void stop(const char* why, bool leave_rings);
  void leave(base::steady_time deadline);
  void report();
  [[nodiscard]] int status() const;

  run_options options_;
  boost::asio::io_context context_{1};
  boost::asio::signal_set signals_{context_};
  boost::asio::steady_timer end_of_time_{context_};
  boost::asio::steady_timer live_timer_{context_};
  service_notify notify_;
  std::unique_ptr<kept_rings> kept_;
  std::unique_ptr<recording> recording_;
  status_reader status_;
  service_watch watch_;
  reload reload_;
  std::unique_ptr<onlookers> onlookers_;
  std::unique_ptr<control_server> control_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::uint64_t live_stored_ = 0;
  int stop_signals_ = 0;
  std::chrono::milliseconds stop_timeout_{0};
  bool ready_ = false;
  bool stopping_ = false;
  bool failed_at_start_ = false;
};

application::application(run_options options)
    : options_(std::move(options)),
      status_(context_, [this](auto done) { recording_->ask_status(std::move(done)); }),
      watch_(context_, notify_,
             {.is_alive = [this](auto done) { recording_->check_progress(std::move(done)); },
              .describe =
                  [this](auto done) {
                    status_.async_read([done](const auto& status, const auto& rates) {
                      done(status_line(status, rates));
                    });
                  }}),
      reload_(context_, options_.configuration_file,
              {.override_by_command_line = options_.overrides,
               .carry_out = [this](const auto& wanted, auto done) {
                 take_up(wanted, std::move(done));
               }}) {
  for (const int number : {SIGHUP, SIGTERM, SIGINT, SIGUSR1}) {
    signals_.add(number);
  }
}

int application::run(const settings::configuration& wanted) {
  std::signal(SIGPIPE, SIG_IGN);  // whoever reads the log may go, the recording stays
  kept_ = std::make_unique<kept_rings>(notify_,
                                       wanted.keep_rings == settings::keep_rings_mode::automatic);
  if (kept_->is_active()) {
    spdlog::info("rings are kept over a restart; packets are copied, never written in place");
  }
  auto made = recording::make(context_, wanted, options_.spares, *kept_);
  if (!made) {
    spdlog::error("{}", made.error().message());
    return exit_status::trouble;
  }
  recording_ = std::move(*made);
  onlookers_ = std::make_unique<onlookers>(context_, *recording_);
  reload_.set_started(wanted);
  stop_timeout_ = wanted.stop_timeout;
  listen(wanted.control);
  onlookers_->start_streams(wanted.streams);
  await_signal();
  const auto started =
      recording_->start([this, &wanted] { on_ready(wanted); },
                        [this] { leave(pipeline::read_clocks().steady + longest_farewell); });
  if (!started) {
    spdlog::error("{}", started.error().message());
    return exit_status::trouble;
  }
  context_.run();
  control_.reset();
  if (!failed_at_start_) {
    report();
  }
  const int result = failed_at_start_ ? exit_status::trouble : status();
  if (recording_->outcome().hanging || reload_.is_reading() || onlookers_->is_compiling()) {
    // A thread may be held by a dead disk, or name server: no destructor waits for it.
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
  for (const auto* const said : {&options_.warnings, &options_.sandbox.warnings}) {
    for (const std::string& each : *said) {
      spdlog::warn("{}", each);
    }
  }
  for (const std::string& each : options_.sandbox.remarks) {
    spdlog::info("{}", each);
  }
  ready_ = true;
  notify_.ready();
  watch_.start();
  if (options_.duration) {
    await_end_of_time();
  }
  if (options_.live) {
    show_live();
  }
}

/// A recording goes on without its control socket: nobody may lose packets over it.
void application::listen(const settings::control_settings& options) {
  if (options.socket.empty()) {
    return;
  }
  auto opened = control_server::open(
      context_, options,
      [this](const auto& request, const auto& reply) { on_request(request, reply); });
  if (opened) {
    control_ = std::move(*opened);
  } else {
    spdlog::warn("{}; capturectl cannot ask this captured", opened.error().message());
  }
}

void application::on_request(const control_request& request, const control_reply& reply) {
  if (stopping_) {
    reply.finish(refusal({"captured is stopping"}));
  } else if (!ready_) {
    reply.finish(refusal({"captured is starting; try again in a moment"}));
  } else if (request.name == "status") {
    answer_status(reply);
  } else if (request.name == "reload") {
    answer_reload(reply);
  } else if (request.name == "live") {
    onlookers_->answer_live(request, reply);
  } else {
    reply.finish(
        refusal({"there is no request \"" + request.name + "\"; there are: status, reload, live"}));
  }
}

void application::answer_status(const control_reply& reply) {
  status_.async_read([this, reply](const recording_status& status, const rate_meter& rates) {
    const process_facts process{.uptime = std::chrono::floor<std::chrono::seconds>(
                                    std::chrono::steady_clock::now() - begun_),
                                .configuration_file = options_.configuration_file};
    boost::json::object told = status_json(process, status, rates);
    told["streams"] = onlookers_->streams_json();
    reply.finish(acceptance({{"status", std::move(told)}}));
  });
}

void application::answer_reload(const control_reply& reply) {
  spdlog::info("reload: asked for by {}", reply.peer());
  const bool begins = !reload_.is_under_way();
  if (begins) {
    notify_.reloading();
  }
  reload_.async_run([this, reply, begins](const reload_outcome& outcome) {
    if (begins && !stopping_) {
      notify_.ready();
    }
    for (const std::string& each : outcome.warnings) {
      spdlog::warn("reload: {}", each);
    }
    for (const std::string& each : outcome.errors) {
      spdlog::error("reload: {}", each);
    }
    spdlog::info("reload: {}", outcome.errors.empty() ? "done" : "refused; nothing has changed");
    reply.finish(outcome.errors.empty() ? acceptance({{"warnings", to_json(outcome.warnings)}})
                                        : refusal(outcome.errors));
  });
}

void application::take_up(const settings::configuration& wanted,
                          std::function<void(std::vector<base::failure>)> done) {
  std::vector<base::failure> refused = options_.sandbox.refusals(wanted);
  std::ranges::move(group_refusals(wanted.outputs, recording_->wanted().outputs),
                    std::back_inserter(refused));
  if (!refused.empty()) {
    return done(refused);
  }
  recording_->reload(wanted, [this, wanted, done](const std::vector<base::failure>& failures) {
    if (failures.empty()) {
      stop_timeout_ = wanted.stop_timeout;
      set_log_level(wanted.log.level);
      log_warnings_apart(wanted, options_.occasion);
    }
    done(failures);
  });
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
        // A service manager sends SIGTERM for a restart too, and lets go of rings after a stop.
        stop(number == SIGINT ? "SIGINT" : "SIGTERM", number == SIGTERM && kept_->is_active());
      }
  }
}

void application::await_end_of_time() {
  end_of_time_.expires_after(*options_.duration);
  end_of_time_.async_wait([this](boost::system::error_code error) {
    if (!error && !stopping_) {
      stop("the time given is over", false);
    }
  });
}

void application::stop(const char* why, bool leave_rings) {
  stopping_ = true;
  live_timer_.cancel();
  watch_.stop();
  notify_.stopping();
  notify_.extend_timeout(stop_timeout_ + stop_reserve);
  spdlog::info("stopping: {}", why);
  onlookers_->refuse_views();
  recording_->stop(leave_rings);
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

/// Ends the loop, once those who watch have their last packets; one who reads slowly does not
/// hold it up for long.
void application::leave(base::steady_time deadline) {
  constexpr auto step = std::chrono::milliseconds(10);
  if (onlookers_->have_left() || pipeline::read_clocks().steady >= deadline) {
    return context_.stop();
  }
  live_timer_.expires_after(step);
  live_timer_.async_wait([this, deadline](boost::system::error_code) { leave(deadline); });
}

void application::report() {
  const auto rows = recording_->ledger();
  if (options_.live) {
    show_status_line({});
  }
  spdlog::info("{}", ledger_line(rows));
  onlookers_->report();
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
  const bool good = balanced && !outcome.required_failed && !outcome.unwritten &&
                    !outcome.unproven && !outcome.inexact;
  return good ? exit_status::success : exit_status::trouble;
}

}  // namespace

int run(const settings::configuration& wanted, const run_options& options) {
  return application(options).run(wanted);
}

}  // namespace captured::daemon
