// SPDX-License-Identifier: MIT
//
// The part of recording that follows the devices: which interfaces are wanted, there, or gone.
#include <algorithm>
#include <utility>

#include "daemon/interface_text.hpp"
#include "daemon/logging.hpp"
#include "daemon/own_traffic.hpp"
#include "daemon/recording.hpp"

namespace captured::daemon {

namespace {

/// Must the ring be made anew for these options?
bool needs_new_ring(const recorded_interface& one) {
  const capture::interface_options& wanted = one.entry.device;
  return one.entry.queues != one.queues || wanted.ring != one.options.ring ||
         wanted.promiscuous != one.options.promiscuous || wanted.stamps != one.options.stamps;
}

/// The device as it was when it could not be recorded: nothing that has happened to it since
/// could make a difference.
bool is_same_device(const capture::device& now, const recorded_interface& refused) {
  return now.index == refused.from.index && now.up == refused.from.up;
}

/// Can a connection to a collector run over it?
bool carries_streams(const capture::device& from) {
  const packet::link_type link = capture::link_type_of(from);
  return link == packet::link_type::ethernet || link == packet::link_type::raw_ip;
}

std::string now_text() {
  return time_text(pipeline::read_clocks().wall);
}

}  // namespace

base::result<> recording::watch_links() {
  auto opened = capture::link_watch::open();
  if (!opened) {
    return opened.error();
  }
  if (watched_links_.is_open()) {
    watched_links_.release();
  }
  links_ = std::move(*opened);
  boost::system::error_code error;
  watched_links_.assign(links_->fd(), error);
  if (error) {
    return base::failure{error, "watch the network devices", {}};
  }
  await_links();
  return {};
}

void recording::await_links() {
  watched_links_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                            [this](boost::system::error_code error) {
                              if (!error && !stopping_) {
                                on_links();
                              }
                            });
}

void recording::on_links() {
  // What exactly happened is seen by comparing: reconcile lists the devices anyway.
  if (const auto news = links_->drain(); news) {
    await_links();
  } else {
    log_line(log_level::warning, {}, "{}", news.error().message());
    are_links_watched_ = false;
  }
  reconcile();
}

std::vector<planned_interface> recording::plan(
    const std::vector<settings::interface_settings>& entries,
    const std::vector<capture::device>& devices) const {
  pattern_rules rules{.known_at_start = known_at_start_};
  for (const auto& one : interfaces_) {
    if (one->state == interface_state::recording) {
      rules.recorded.emplace(one->name(), one->entry.output);
    }
  }
  auto planned = plan_interfaces(entries, devices, rules);
  for (planned_interface& each : planned) {
    if (!own_traffic_.empty() && each.from && (each.from->up || leaves_out(each)) &&
        carries_streams(*each.from)) {
      each.entry.device.left_out =
          on_device(any_of_packets(own_traffic_), capture::link_type_of(*each.from));
    }
  }
  return planned;
}

/// Does its filter do so already? libpcap compiles nothing for a device that is switched off.
bool recording::leaves_out(const planned_interface& planned) const {
  return std::any_of(interfaces_.begin(), interfaces_.end(), [&](const auto& one) {
    return one->state == interface_state::recording && !one->options.left_out.empty() &&
           one->name() == planned.entry.device.name && one->entry.output == planned.entry.output;
  });
}

void recording::reconcile() {
  if (!started_ || stopping_) {
    return;
  }
  // One time for all decisions: what is not due by it is armed by it.
  reconciled_at_ = pipeline::read_clocks().steady;
  if (!are_links_watched_) {
    const auto again = watch_links();
    are_links_watched_ = again.has_value();
    if (!again) {
      log_trouble(log_level::error, {{}, "watch devices"},
                  "{}; devices that come and go are noticed late", again.error().message());
    }
  }
  const auto devices = capture::all_devices();
  if (devices) {
    reconcile_with(*devices);
    are_devices_known_ = true;
  } else {
    log_trouble(log_level::error, {{}, "list devices"}, "{}", devices.error().message());
  }
  arm_retry(!devices || !are_links_watched_);
  check_settled();
}

void recording::reconcile_with(const std::vector<capture::device>& devices) {
  for (const auto& one : interfaces_) {
    one->configured = false;
  }
  for (const planned_interface& planned : plan(wanted_.interfaces, devices)) {
    recorded_interface& one = interface_for(planned);
    one.configured = true;
    follow(one, planned);
  }
  for (const auto& one : interfaces_) {
    if (!one->configured && one->state == interface_state::recording) {
      close(*one, one->by_pattern ? story_of_absence(*one, devices)
                                  : "taken out of the configuration at " + now_text());
    }
  }
}

recorded_interface& recording::interface_for(const planned_interface& planned) {
  for (const auto& one : interfaces_) {
    if (one->name() == planned.entry.device.name && one->entry.output == planned.entry.output) {
      one->entry = planned.entry;
      one->by_pattern = planned.by_pattern;
      return *one;
    }
  }
  interfaces_.push_back(std::make_unique<recorded_interface>());
  recorded_interface& made = *interfaces_.back();
  made.entry = planned.entry;
  made.by_pattern = planned.by_pattern;
  return made;
}

std::string recording::story_of_absence(const recorded_interface& one,
                                        const std::vector<capture::device>& devices) {
  const auto same = std::find_if(devices.begin(), devices.end(), [&](const auto& device) {
    return device.index == one.from.index;
  });
  if (same == devices.end()) {
    return "the device was removed at " + now_text();
  }
  if (same->name == one.name()) {
    return "taken out of the configuration at " + now_text();
  }
  return "the device was renamed to " + same->name + " at " + now_text();
}

void recording::follow(recorded_interface& one, const planned_interface& planned) {
  switch (one.state) {
    case interface_state::waiting:
      if (!planned.from) {
        one.retry_at = {};
        return wait(one, base::system_failure(ENODEV, "").code.message());
      }
      if (reconciled_at_ >= one.retry_at || !is_same_device(*planned.from, one)) {
        open(one, *planned.from);
      }
      return;
    case interface_state::recording:
      if (!planned.from || planned.from->index != one.from.index) {
        const auto devices = capture::all_devices();
        return close(one, devices ? story_of_absence(one, *devices) : "the device was removed");
      }
      if (needs_new_ring(one)) {
        return close(one, "begun anew with other options at " + now_text());
      }
      follow_device(one, *planned.from);
      return follow_options(one);
    case interface_state::opening:
    case interface_state::joining:
    case interface_state::closing:
      return;  // looked at again when that is done
  }
}

void recording::arm_retry(bool soon) {
  const base::steady_time now = reconciled_at_;
  base::steady_time at = soon ? now + std::chrono::seconds(1) : base::steady_time::max();
  for (const auto& one : interfaces_) {
    if (one->configured && one->state == interface_state::waiting && one->retry_at > now) {
      at = std::min(at, one->retry_at);
    }
  }
  for (const auto& one : outputs_) {
    if (one->state() == output_state::closed && one->retry_at() > now) {
      at = std::min(at, one->retry_at());
    }
  }
  retry_timer_.cancel();
  if (at != base::steady_time::max()) {
    retry_timer_.expires_at(at);
    retry_timer_.async_wait([this](boost::system::error_code error) {
      if (!error) {
        reconcile();
      }
    });
  }
}

}  // namespace captured::daemon
