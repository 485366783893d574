// SPDX-License-Identifier: MIT
#include "daemon/recording.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include "capture/filter.hpp"
#include "daemon/logging.hpp"

namespace captured::daemon {

namespace {

/// A service manager does not wait for a folder on a dead disk.
constexpr std::chrono::seconds longest_start{5};

}  // namespace

recording::recording(boost::asio::io_context& reactor_context,
                     const settings::configuration& wanted, capture::poll_set rings)
    : reactor_context_(reactor_context),
      wanted_(wanted),
      uuid_(boost::uuids::to_string(boost::uuids::random_generator()())),
      reactor_(reactor_context.get_executor(), std::move(rings)),
      watched_links_(reactor_context),
      retry_timer_(reactor_context),
      silence_timer_(reactor_context),
      ready_timer_(reactor_context) {}

recording::~recording() {
  if (watched_links_.is_open()) {
    watched_links_.release();  // the descriptor belongs to links_
  }
  opener_.reset();
  if (writer_pool_) {
    // First no handler runs any more, then no completion can come any more, then the rest may go.
    writer_pool_->stop();
    writer_pool_->join();
  }
}

base::result<std::unique_ptr<recording>> recording::make(boost::asio::io_context& reactor_context,
                                                         const settings::configuration& wanted) {
  auto rings = capture::poll_set::create();
  if (!rings) {
    return rings.error();
  }
  return std::unique_ptr<recording>(new recording(reactor_context, wanted, std::move(*rings)));
}

base::result<> recording::start(std::function<void()> ready, std::function<void()> ended) {
  ready_ = std::move(ready);
  ended_ = std::move(ended);
  started_at_ = pipeline::read_clocks().wall;
  if (const auto watching = watch_links(); !watching) {
    return watching;
  }
  if (const auto running = reactor_.start(); !running) {
    return running;
  }
  writer_pool_ = std::make_unique<boost::asio::thread_pool>(wanted_.writer.threads);
  opener_ = std::make_unique<boost::asio::thread_pool>(1);
  const auto devices = capture::all_devices();
  if (!devices) {
    return devices.error();
  }
  for (const capture::device& one : *devices) {
    known_at_start_.insert(one.index);
  }
  started_ = true;
  const auto report_ready = [this] {
    if (ready_ && !stopping_) {
      ready_timer_.cancel();
      std::exchange(ready_, nullptr)();
    }
  };
  when_settled_.push_back(report_ready);
  ready_timer_.expires_after(longest_start);
  ready_timer_.async_wait([report_ready](boost::system::error_code error) {
    if (!error) {
      report_ready();
    }
  });
  reconcile();
  arm_silence();
  return {};
}

void recording::rotate() {
  for (const auto& one : outputs_) {
    if (one->state() == output_state::open) {
      one->writer().rotate();
    }
  }
}

void recording::stop() {
  stopping_ = true;
  judge_requirements();
  retry_timer_.cancel();
  silence_timer_.cancel();
  ready_timer_.cancel();
  if (watched_links_.is_open()) {
    boost::system::error_code ignored;
    watched_links_.cancel(ignored);
  }
  const auto deadline = pipeline::read_clocks().steady + wanted_.stop_timeout;
  reactor_.async_stop([this](const base::result<>& how) {
    reactor_ended_ = true;
    if (!how) {
      outcome_.inexact = true;
      log_line(log_level::error, {}, "{}; the figures may be off by what came during the stop",
               how.error().message());
    }
    check_ended();
  });
  for (const auto& one : outputs_) {
    outcome_.hanging |= one->state() == output_state::opening;
    one->stop(deadline);
  }
}

void recording::check_ended() {
  const bool busy = std::any_of(outputs_.begin(), outputs_.end(), [](const auto& one) {
    return one->state() == output_state::open || one->state() == output_state::closing;
  });
  if (stopping_ && reactor_ended_ && !busy && ended_) {
    std::exchange(ended_, nullptr)();
  }
}

/// Once the stop begins nothing is recorded any more: whether it was must be asked before.
void recording::judge_requirements() {
  for (const auto& one : interfaces_) {
    const bool missing = one->configured && one->state != interface_state::recording;
    // A pattern requires nothing of a device that is gone.
    const bool excused = one->by_pattern && one->retry_at == base::steady_time{};
    outcome_.required_failed |= missing && !excused && one->entry.required;
  }
  for (const auto& one : outputs_) {
    outcome_.required_failed |= one->state() == output_state::closed;
  }
}

bool recording::settled() const {
  return std::none_of(interfaces_.begin(), interfaces_.end(),
                      [](const auto& one) {
                        return one->state == interface_state::opening ||
                               one->state == interface_state::closing;
                      }) &&
         std::none_of(outputs_.begin(), outputs_.end(), [](const auto& one) {
           return one->state() == output_state::opening || one->state() == output_state::closing ||
                  one->state() == output_state::ended;
         });
}

void recording::check_settled() {
  if (settled()) {
    for (const auto& done : std::exchange(when_settled_, {})) {
      done();
    }
  }
}

std::vector<base::failure> recording::reload(const settings::configuration& wanted,
                                             std::function<void()> done) {
  std::vector<base::failure> failures;
  for (const auto& one : interfaces_) {
    for (const settings::interface_settings& entry : wanted.interfaces) {
      if (one->state == interface_state::recording && entry.device.name == one->name() &&
          entry.output == one->entry.output) {
        if (const auto tried = capture::compile_filter(one->from, entry.device); !tried) {
          failures.push_back(tried.error());
        }
      }
    }
  }
  if (!failures.empty() || stopping_) {
    return failures;
  }
  if (wanted.writer.threads != wanted_.writer.threads) {
    log_line(log_level::warning, {}, "writer.threads takes effect at the next start");
  }
  wanted_ = wanted;
  for (const auto& one : interfaces_) {
    one->retry_at = {};
    one->retry_pause = std::chrono::seconds(1);
  }
  follow_outputs(wanted_.outputs);
  when_settled_.push_back(std::move(done));
  reconcile();
  arm_silence();
  return {};
}

}  // namespace captured::daemon
