// SPDX-License-Identifier: MIT
#include "daemon/recording.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include "daemon/interface_filter.hpp"
#include "daemon/logging.hpp"
#include "daemon/processors.hpp"

namespace captured::daemon {

namespace {

/// Interfaces that are opened at a time: a name in a filter that nobody answers for holds up one.
constexpr std::size_t openers = 4;

/// A service manager does not wait for a folder on a dead disk.
constexpr std::chrono::seconds longest_start{5};

}  // namespace

recording::recording(boost::asio::io_context& reactor_context,
                     const settings::configuration& wanted, capture::poll_set rings,
                     std::shared_ptr<capture::spare_sockets> spares, kept_rings& kept)
    : reactor_context_(reactor_context),
      wanted_(wanted),
      spares_(std::move(spares)),
      kept_(kept),
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

base::result<std::unique_ptr<recording>> recording::make(
    boost::asio::io_context& reactor_context, const settings::configuration& wanted,
    std::shared_ptr<capture::spare_sockets> spares, kept_rings& kept) {
  auto rings = capture::poll_set::create();
  if (!rings) {
    return rings.error();
  }
  return std::unique_ptr<recording>(
      new recording(reactor_context, wanted, std::move(*rings), std::move(spares), kept));
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
  if (const auto made = start_threads(); !made) {
    return made;
  }
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
      are_rings_judged_ = are_devices_known_;
      if (are_rings_judged_) {
        close_unwanted_rings();
      }
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

/// Of interfaces that the configuration does not name any more, or whose device is gone.
void recording::close_unwanted_rings() {
  kept_.close_unwanted([this](const std::string& interface, const std::string& output) {
    return std::any_of(interfaces_.begin(), interfaces_.end(), [&](const auto& one) {
      const std::string& wanted = one->entry.output;
      return one->configured && one->name() == interface &&
             (output == wanted || output.starts_with(wanted + "-"));  // split by link type
    });
  });
}

/// The reactor stays on its processors, and so do those who open rings for it: the kernel takes the
/// memory of a ring from the node on which it is opened.
base::result<> recording::start_threads() {
  one_writer_thread_ = wanted_.writer.threads == 1;
  {
    const processor_scope back;
    if (const auto placed = run_on(wanted_.writer.cpus, "writer.cpus"); !placed) {
      return placed;
    }
    writer_pool_ = std::make_unique<boost::asio::thread_pool>(wanted_.writer.threads);
  }
  if (const auto placed = run_on(wanted_.reactor.cpus, "reactor.cpus"); !placed) {
    return placed;
  }
  opener_ = std::make_unique<boost::asio::thread_pool>(openers);
  return {};
}

void recording::add_tap_user(tap_user& one) {
  tap_users_.push_back(&one);
  for (const auto& each : interfaces_) {
    if (each->state == interface_state::recording) {
      one.on_recorded(*each);
    }
  }
}

void recording::leave_out(const std::string& stream, const std::string& packets) {
  std::string& known = own_traffic_[stream];
  if (std::exchange(known, packets) != packets) {
    reconcile();
  }
}

void recording::rotate() {
  for (const auto& one : outputs_) {
    if (one->state() == output_state::open) {
      one->writer().rotate();
    }
  }
}

void recording::stop(bool leave_rings) {
  stopping_ = true;
  leaves_rings_ = leave_rings;
  judge_requirements();
  retry_timer_.cancel();
  silence_timer_.cancel();
  ready_timer_.cancel();
  if (watched_links_.is_open()) {
    boost::system::error_code ignored;
    watched_links_.cancel(ignored);
  }
  deadline_ = pipeline::read_clocks().steady + wanted_.stop_timeout;
  if (!leave_rings) {
    kept_.forget_all();
  }
  reactor_.async_stop(leave_rings, [this](const base::result<>& how) {
    reactor_ended_ = true;
    for (tap_user* const each : std::vector(tap_users_)) {
      each->on_stopped();
    }
    if (!how) {
      outcome_.inexact = true;
      log_line(log_level::error, {}, "{}; the figures may be off by what came during the stop",
               how.error().message());
    }
    check_ended();
  });
  for (const auto& one : outputs_) {
    one->stop(*deadline_);
  }
}

void recording::check_ended() {
  const bool busy = std::any_of(outputs_.begin(), outputs_.end(), [](const auto& one) {
    return one->state() == output_state::open || one->state() == output_state::closing;
  });
  if (stopping_ && reactor_ended_ && !busy && ended_) {
    const auto is_opening = [](const auto& one) { return one->state() == output_state::opening; };
    outcome_.hanging |= std::any_of(outputs_.begin(), outputs_.end(), is_opening) ||
                        std::any_of(abandoned_.begin(), abandoned_.end(), is_opening) ||
                        std::any_of(interfaces_.begin(), interfaces_.end(), [](const auto& one) {
                          return one->changing || one->state == interface_state::opening;
                        });
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
    outcome_.required_failed |= one->state() != output_state::open;
  }
}

bool recording::settled() const {
  return are_devices_known_ &&
         std::none_of(interfaces_.begin(), interfaces_.end(),
                      [](const auto& one) {
                        return one->changing || one->state == interface_state::opening ||
                               one->state == interface_state::joining ||
                               one->state == interface_state::closing;
                      }) &&
         std::none_of(outputs_.begin(), outputs_.end(), [](const auto& one) {
           return one->state() == output_state::opening || one->state() == output_state::closing ||
                  one->state() == output_state::ended;
         });
}

void recording::check_settled() {
  if (settled()) {
    if (!ready_ && !std::exchange(are_rings_judged_, true)) {
      close_unwanted_rings();  // the devices could not be listed before
    }
    for (const auto& done : std::exchange(when_settled_, {})) {
      done();
    }
  }
}

void recording::reload(const settings::configuration& wanted,
                       std::function<void(const std::vector<base::failure>&)> done) {
  const auto devices = capture::all_devices();
  if (!devices) {
    return done({devices.error()});
  }
  // Filters are tried for the live devices, where names may be looked up: elsewhere.
  std::vector<std::pair<capture::device, capture::interface_options>> trials;
  for (const planned_interface& planned : plan(wanted.interfaces, *devices)) {
    for (const auto& one : interfaces_) {
      if (one->state == interface_state::recording && one->from.up &&
          one->name() == planned.entry.device.name && one->entry.output == planned.entry.output &&
          one->options != planned.entry.device) {
        trials.emplace_back(one->from, planned.entry.device);
      }
    }
  }
  boost::asio::post(*opener_, [this, wanted, trials = std::move(trials), done = std::move(done)] {
    std::vector<base::failure> failures;
    for (const auto& [device, options] : trials) {
      if (const auto tried = compile_interface_filter(device, options); !tried) {
        failures.push_back(tried.error());
      }
    }
    boost::asio::post(reactor_context_, [this, wanted, failures, done] {
      if (stopping_) {
        done({base::invalid_input("reload", "captured is stopping")});
      } else if (!failures.empty()) {
        done(failures);
      } else {
        when_settled_.emplace_back([this, done] {
          close_unwanted_rings();
          done({});
        });
        take_up(wanted);
      }
    });
  });
}

void recording::take_up(const settings::configuration& wanted) {
  wanted_ = wanted;
  for (const auto& one : interfaces_) {
    one->retry_at = {};
    one->retry_pause = std::chrono::seconds(1);
    one->refused.reset();
  }
  follow_outputs(wanted_.outputs);
  reconcile();
  arm_silence();
}

}  // namespace captured::daemon
