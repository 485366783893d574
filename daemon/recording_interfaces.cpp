// SPDX-License-Identifier: MIT
//
// The part of recording that follows the devices: takes up what is wanted and there, lets go what
// is not, and has the files tell the story.
#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "capture/filter.hpp"
#include "daemon/interface_text.hpp"
#include "daemon/logging.hpp"
#include "daemon/recording.hpp"
#include "pipeline/limits.hpp"

namespace captured::daemon {

namespace {

constexpr std::chrono::seconds longest_retry_pause{30};

/// Must the ring be made anew for these options?
bool needs_new_ring(const recorded_interface& one) {
  const capture::interface_options& wanted = one.entry.device;
  return wanted.ring != one.options.ring || wanted.promiscuous != one.options.promiscuous ||
         one.entry.timestamp != one.timestamp;
}

/// The device as it was when it could not be recorded: nothing that has happened to it since
/// could make a difference.
bool is_same_device(const capture::device& now, const recorded_interface& refused) {
  return now.index == refused.from.index && now.up == refused.from.up;
}

log_fields subject_of(const recorded_interface& one) {
  return {{"interface", one.name()}, {"output", one.entry.output}};
}

bool is_described_alike(const capture::device& a, const capture::device& b) {
  return a.mac == b.mac && a.speed_bits == b.speed_bits && a.description == b.description;
}

std::string now_text() {
  return time_text(pipeline::read_clocks().wall);
}

}  // namespace

base::result<std::unique_ptr<capture::packet_ring>> open_ring(
    const capture::interface_options& options, capture::device& from) {
  auto found = capture::find_device(options.name);
  if (!found) {
    return found.error();
  }
  from = std::move(*found);
  const auto program = capture::compile_filter(from, options);
  if (!program) {
    return program.error();
  }
  return capture::packet_ring::open(from, options, *program);
}

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
    if (const auto again = watch_links(); !again) {
      log_line(log_level::error, {}, "{}; devices that come and go are noticed late",
               again.error().message());
    }
  }
  reconcile();
}

std::vector<planned_interface> recording::plan(const std::vector<capture::device>& devices) {
  pattern_rules rules{.known_at_start = known_at_start_};
  for (const auto& one : interfaces_) {
    if (one->state == interface_state::recording) {
      rules.recorded.emplace(one->name(), one->entry.output);
    }
  }
  return plan_interfaces(wanted_.interfaces, devices, rules);
}

void recording::reconcile() {
  if (!started_ || stopping_) {
    return;
  }
  const auto devices = capture::all_devices();
  if (!devices) {
    log_trouble(log_level::error, {{}, "list devices"}, "{}", devices.error().message());
    return arm_retry();
  }
  for (const auto& one : interfaces_) {
    one->configured = false;
  }
  for (const planned_interface& planned : plan(*devices)) {
    recorded_interface& one = interface_for(planned);
    one.configured = true;
    follow(one, planned);
  }
  for (const auto& one : interfaces_) {
    if (!one->configured && one->state == interface_state::recording) {
      close(*one, one->by_pattern ? story_of_absence(*one, *devices)
                                  : "taken out of the configuration at " + now_text());
    }
  }
  arm_retry();
  check_settled();
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
      if (pipeline::read_clocks().steady >= one.retry_at || !is_same_device(*planned.from, one)) {
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
    case interface_state::closing:
      return;  // looked at again when that is done
  }
}

/// What changed about the device of an interface that goes on being recorded. The list does not
/// know the speed: the driver is asked when something has happened to the link.
void recording::follow_device(recorded_interface& one, const capture::device& listed) {
  if (listed.up == one.from.up && listed.running == one.from.running &&
      listed.mac == one.from.mac && listed.description == one.from.description) {
    return;
  }
  auto found = capture::find_device(one.name());
  if (!found || found->index != one.from.index) {
    return;  // it is gone meanwhile, of which the kernel tells too
  }
  const capture::device before = std::exchange(one.from, std::move(*found));
  const capture::device& now = one.from;
  const base::moment moment = pipeline::read_clocks();
  if (now.up != before.up || now.running != before.running) {
    const char* const what = !now.up       ? "the interface was switched off"
                             : now.running ? "the link is up"
                                           : "the link has no carrier";
    log_line(now.running ? log_level::info : log_level::warning, subject_of(one), "{}", what);
    one.output->writer().note(one.name(), std::string(what) + " since " + time_text(moment.wall));
  }
  if (!is_described_alike(now, before)) {
    one.output->writer().change(
        one.name(), {.description = describe(now, one.options,
                                             "the device changed at " + time_text(moment.wall)),
                     .after_ns = base::to_epoch_ns(moment.wall),
                     .settled_at = moment.steady});
  }
}

/// Another filter, snaplen or direction for the live socket.
void recording::follow_options(recorded_interface& one) {
  if (one.entry.device == one.options) {
    return;
  }
  const auto program = capture::compile_filter(one.from, one.entry.device);
  if (!program) {
    log_line(log_level::error, subject_of(one), "{}; the former filter stays",
             program.error().message());
    return;
  }
  const auto changed = one.ring->change_filter(*program);
  if (!changed) {
    log_line(log_level::error, subject_of(one), "{}; the former filter stays",
             changed.error().message());
    return;
  }
  const std::string story =
      story_of_change(one.options, one.entry.device, changed->before, changed->after);
  log_line(log_level::info, subject_of(one), "{}", story);
  one.options = one.entry.device;
  one.output->writer().change(one.name(),
                              {.description = describe(one.from, one.options, story),
                               .after_ns = base::to_epoch_ns(changed->after),
                               .settled_at = pipeline::read_clocks().steady +
                                             pipeline::limits::drain_time(one.ring->timeout())});
}

void recording::wait(recorded_interface& one, std::string why) {
  if (one.why != why) {
    log_line(log_level::warning, subject_of(one), "{}", why);
    one.why = std::move(why);
  }
}

void recording::refuse(recorded_interface& one, const base::failure& why) {
  one.state = interface_state::waiting;
  one.retry_at = pipeline::read_clocks().steady + one.retry_pause;
  one.retry_pause = std::min(2 * one.retry_pause, longest_retry_pause);
  wait(one, why.message());
}

void recording::open(recorded_interface& one, const capture::device& from) {
  recorded_output* const output = output_for(one.entry.output, capture::link_type_of(from));
  if (output == nullptr) {
    return;  // the configuration was checked: there is one
  }
  if (output->state() == output_state::closed &&
      pipeline::read_clocks().steady >= output->retry_at()) {
    open_output(*output);
  }
  if (output->state() != output_state::open) {
    return;  // its own words tell why; reconcile comes again when it is open
  }
  one.state = interface_state::opening;
  one.from = from;
  one.output = output;
  one.options = one.entry.device;
  one.timestamp = one.entry.timestamp;
  boost::asio::post(*opener_, [this, &one, options = one.options] {
    capture::device found;
    auto ring = open_ring(options, found);
    boost::asio::post(reactor_context_,
                      [this, &one, found = std::move(found), ring = std::move(ring)]() mutable {
                        on_ring(one, std::move(found), std::move(ring));
                      });
  });
}

void recording::on_ring(recorded_interface& one, capture::device from,
                        base::result<std::unique_ptr<capture::packet_ring>> ring) {
  const bool served = one.output->state() == output_state::open;
  if (!ring || !served || stopping_) {
    one.output = nullptr;
    one.state = interface_state::waiting;
    if (!ring) {
      refuse(one, ring.error());
    } else {
      one.ring = std::move(*ring);
      discard_ring(one);
    }
    return reconcile();
  }
  one.from = std::move(from);
  one.ring = std::move(*ring);
  one.feed = std::make_unique<pipeline::ring_feed>(*one.ring);
  if (!one.begun) {
    one.begun = true;
    one.begun_at = pipeline::read_clocks().wall;
  }
  pipeline::output_interface what{.description = describe(one.from, one.options, one.story),
                                  .feed = one.feed.get(),
                                  .ledger = &one.ledger,
                                  .begun = one.begun_at};
  one.output->writer().add(std::move(what), [this, &one](const base::result<>& how) {
    boost::asio::post(reactor_context_, [this, &one, how] { on_described(one, how); });
  });
}

void recording::on_described(recorded_interface& one, const base::result<>& how) {
  const auto added =
      how ? reactor_.add({.ring = one.ring.get(),
                          .feed = one.feed.get(),
                          .wake = [writer = &one.output->writer()] { writer->wake(); },
                          .trouble =
                              [this](const base::error_code&) {
                                reconcile();  // which sees what became of the device
                              }})
          : base::result<pipeline::capture_reactor::ring_id>(how.error());
  if (!added) {
    refuse(one, added.error());
    if (!how) {
      return on_released(one);
    }
    one.state = interface_state::closing;
    one.feed->close();
    return one.output->writer().remove(one.name(), added.error().message());
  }
  one.ring_id = *added;
  one.state = interface_state::recording;
  one.why.clear();
  one.story.clear();
  one.retry_at = {};
  one.retry_pause = std::chrono::seconds(1);
  if (stopping_ || one.output->state() != output_state::open) {
    return close(one, "the output was closed");
  }
  log_line(log_level::info, subject_of(one), "recorded, with a ring of {} MiB{}{}",
           one.options.ring.size_bytes >> 20, one.options.filter.empty() ? "" : " and the filter ",
           one.options.filter);
  reconcile();
}

void recording::close(recorded_interface& one, const std::string& why) {
  log_line(log_level::warning, subject_of(one), "{}", why);
  one.state = interface_state::closing;
  one.story = "not recorded before: " + why;
  one.why = why;
  one.output->writer().remove(one.name(), why);
  reactor_.async_remove(one.ring_id, [](const base::result<>& how) {
    if (!how) {
      log_line(log_level::warning, {}, "{}", how.error().message());
    }
  });
}

void recording::on_released(recorded_interface& one) {
  discard_ring(one);
  one.output = nullptr;
  one.state = interface_state::waiting;
  reconcile();
}

/// Closing a packet socket waits for the kernel, some milliseconds: not on the reactor's thread.
void recording::discard_ring(recorded_interface& one) {
  boost::asio::post(*opener_, [feed = std::move(one.feed), ring = std::move(one.ring)]() mutable {
    feed.reset();
    ring.reset();
  });
}

void recording::arm_retry() {
  const base::steady_time now = pipeline::read_clocks().steady;
  base::steady_time at = base::steady_time::max();
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
