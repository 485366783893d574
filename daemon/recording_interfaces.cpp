// SPDX-License-Identifier: MIT
//
// The part of recording that opens, changes and closes one interface, and has the files tell its
// story.
#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "capture/filter.hpp"
#include "daemon/interface_filter.hpp"
#include "daemon/interface_text.hpp"
#include "daemon/logging.hpp"
#include "daemon/recording.hpp"
#include "daemon/stall.hpp"
#include "pipeline/left_off.hpp"
#include "pipeline/limits.hpp"

namespace captured::daemon {

namespace {

constexpr std::chrono::seconds longest_retry_pause{30};

log_fields subject_of(const recorded_interface& one) {
  return {{"interface", one.name()}, {"output", one.entry.output}};
}

/// libpcap compiles nothing for a device that is switched off.
bool is_compilable(const recorded_interface& one) {
  return one.from.up || capture::whole_filter(one.entry.device).empty();
}

bool is_described_alike(const capture::device& a, const capture::device& b) {
  return a.mac == b.mac && a.speed_bits == b.speed_bits && a.description == b.description;
}

}  // namespace

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
  one.refused.reset();  // it may take now what it did not
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
        one.name(),
        {.description =
             describe(now, one.options, "the device changed at " + time_text(moment.wall)),
         .after_ns = base::to_epoch_ns(moment.wall),
         .settled_at = moment.steady + pipeline::limits::drain_time(one.ring->timeout())});
  }
}

/// Another filter, snaplen or direction for the live socket. Compiling may look up names and
/// exchanging takes the kernel some milliseconds: not on the reactor's thread.
void recording::follow_options(recorded_interface& one) {
  const capture::interface_options& wanted = one.entry.device;
  if (one.changing || wanted == one.options || one.refused == wanted || !is_compilable(one)) {
    return;
  }
  one.changing = true;
  boost::asio::post(
      *opener_, [this, &one, ring = one.ring, from = one.from, wanted, present = one.options] {
        const auto filter = compile_interface_filter(from, wanted);
        // Where nothing is new but what cannot be left out, nothing is changed.
        const bool is_new = filter && filter->options != present;
        auto changed =
            is_new ? ring->change_filter(filter->program)
                   : base::result<capture::filter_change>(
                         filter ? filter->given_up.value_or(base::failure{}) : filter.error());
        boost::asio::post(reactor_context_,
                          [this, &one, ring, wanted, to = filter ? filter->options : wanted,
                           changed = std::move(changed)] {
                            one.changing = false;
                            if (one.ring == ring && one.state == interface_state::recording) {
                              on_changed(one, changed ? to : wanted, changed);
                            }
                            reconcile();
                          });
      });
}

void recording::on_changed(recorded_interface& one, const capture::interface_options& to,
                           const base::result<capture::filter_change>& how) {
  if (!how) {
    one.refused = to;
    log_trouble(log_level::error, {subject_of(one), "filter"}, "{}; the former filter stays",
                how.error().message());
    return;
  }
  const std::string story = story_of_change(one.options, to, how->before, how->after);
  log_line(log_level::info, subject_of(one), "{}", story);
  one.options = to;
  if (one.is_ring_kept) {
    one.ring->note_make(make_of(to, one.queues));
  }
  one.refused.reset();
  one.output->writer().change(one.name(),
                              {.description = describe(one.from, one.options, story),
                               .after_ns = base::to_epoch_ns(how->after),
                               .settled_at = pipeline::read_clocks().steady +
                                             pipeline::limits::drain_time(one.ring->timeout())});
}

/// Why its ring does not outlive the process; empty when it does.
std::string recording::why_not_kept(const recorded_interface& one) const {
  if (!kept_.is_active()) {
    return "no rings are kept";
  }
  if (one.output->options().encoding == pipeline::encoding::in_place) {
    return "its output has encoding: in-place";
  }
  if (!one.output->options().files.fallback.empty()) {
    return "its output has a fallback";
  }
  if (one.output->options().format != pipeline::file_format::pcapng) {
    return "files of its output's format do not say how far it got";
  }
  return "";
}

void recording::tell_of_left_ring(const recorded_interface& one, const opened_ring& opened) {
  if (opened.is_taken_over) {
    log_line(log_level::info, subject_of(one),
             "its ring was taken over from the life before, with {} packets that waited",
             opened.waiting);
  } else if (!opened.misfit.empty()) {
    log_line(log_level::warning, subject_of(one),
             "{}: the ring that the life before left is closed; {} packets that waited in it, or "
             "were lost before it, are not recorded",
             opened.misfit, opened.waiting);
  }
  if (opened.in_no_ledger > 0) {
    log_line(log_level::warning, subject_of(one),
             "{} packets that the life before was still writing at its end are in its files, and "
             "in no ledger",
             opened.in_no_ledger);
  }
  if (opened.missing > 0) {
    log_line(log_level::error, subject_of(one),
             "{} packets that the life before was done with are in no file that was found",
             opened.missing);
  }
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
  const pipeline::output_options* const wanted = options_of(one.entry.output);
  if (wanted == nullptr) {
    return;  // the configuration was checked: there is one
  }
  if (!pipeline::holds_link_type(wanted->format, capture::link_type_of(from))) {
    return refuse(one, base::invalid_input("record " + one.name(),
                                           "lpcap files hold Ethernet and 802.11 alone"));
  }
  recorded_output* const output = output_for(one.entry.output, from);
  if (output->state() == output_state::closed && reconciled_at_ >= output->retry_at()) {
    open_output(*output);
  }
  if (output->state() != output_state::open) {
    return;  // its own words tell why; reconcile comes again when it is open
  }
  one.state = interface_state::opening;
  one.from = from;
  one.output = output;
  one.options = one.entry.device;
  one.queues = one.entry.queues;
  one.is_ring_kept = why_not_kept(one).empty();
  ring_request request{.options = one.options,
                       .queues = one.queues,
                       .spares = spares_,
                       .is_kept = one.is_ring_kept,
                       .output = output->name(),
                       .left = kept_.take(one.name(), output->name()),
                       .dealt = {},
                       .give_up_left = kept_.giving_up(one.name(), output->name())};
  if (request.left) {
    const auto totals = output->left_off(request.left->recording(), one.name());
    request.dealt = pipeline::dealt_with_of(request.left->use(), totals);
    request.in_no_ledger = pipeline::in_no_ledger(request.left->use(), totals);
  }
  boost::asio::post(*opener_, [this, &one, request = std::move(request)]() mutable {
    auto opened = open_ring(std::move(request));
    boost::asio::post(reactor_context_, [this, &one, opened = std::move(opened)]() mutable {
      on_ring(one, std::move(opened));
    });
  });
}

void recording::on_ring(recorded_interface& one, opened_ring opened) {
  const bool served = one.output != nullptr && one.output->state() == output_state::open;
  if (opened.left) {
    kept_.give_back(one.name(), opened.output, std::move(*opened.left));
  } else if (served || !opened.is_taken_over) {
    tell_of_left_ring(one, opened);
  }
  if (!opened.misfit.empty()) {
    kept_.forget(one.name(), opened.output);
  }
  if (!opened.ring || !served || stopping_) {
    one.output = nullptr;
    one.state = interface_state::waiting;
    if (!opened.ring) {
      refuse(one, opened.ring.error());
    } else {
      one.ring = std::move(*opened.ring);
      if (opened.is_taken_over && !stopping_) {
        kept_.leave(one.name(), opened.output, *one.ring);  // for when its output is there again
      }
      discard_ring(one);
    }
    return reconcile();
  }
  one.from = std::move(opened.from);
  one.options = std::move(opened.options);
  one.ring = std::move(*opened.ring);
  if (one.is_ring_kept) {
    one.ring->set_use(
        use_of(uuid_, pipeline::read(one.ledger), one.ring->progress(), one.ring->turns()));
    const auto stored = kept_.keep(one.name(), opened.output, *one.ring);
    one.is_ring_stored = stored.has_value();
    if (!stored) {
      log_line(log_level::error, subject_of(one), "{}; its ring ends with this process",
               stored.error().message());
    }
  }
  one.is_taken_over = opened.is_taken_over;
  one.feed = std::make_unique<pipeline::ring_feed>(*one.ring, &one.tap);
  one.state = interface_state::joining;
  if (!one.begun) {
    one.begun = true;
    one.begun_at = pipeline::read_clocks().wall;
  }
  pipeline::output_interface what{.description = describe(one.from, one.options, one.story),
                                  .feed = one.feed.get(),
                                  .ledger = &one.ledger,
                                  .begun = one.begun_at,
                                  .is_ring_kept = one.is_ring_kept};
  one.output->writer().add(std::move(what), [this, &one](const base::result<>& how) {
    boost::asio::post(reactor_context_, [this, &one, how] { on_described(one, how); });
  });
}

void recording::on_described(recorded_interface& one, const base::result<>& how) {
  if (how && stopping_ && leaves_rings_ && one.is_ring_stored) {
    // Nothing was taken from it yet, and nothing will be: all that it has is the next life's.
    one.state = interface_state::recording;
    one.feed->hand_over();
    return one.output->writer().wake();
  }
  const auto added =
      how ? reactor_.add({.ring = one.ring.get(),
                          .feed = one.feed.get(),
                          .speed_bits = one.from.speed_bits.value_or(0),
                          .is_kept = one.is_ring_stored,
                          .wake = [writer = &one.output->writer()] { writer->wake(); },
                          .trouble =
                              [this](const base::error_code&) {
                                reconcile();  // which sees what became of the device
                              }})
          : base::result<pipeline::capture_reactor::ring_id>(how.error());
  if (!added) {
    refuse(one, added.error());
    if (!how && one.is_taken_over && one.is_ring_stored) {
      leave_ring(one);
      one.output = nullptr;
      one.state = interface_state::waiting;
      return boost::asio::post(reactor_context_, [this] { reconcile(); });
    }
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
  one.refused.reset();
  one.retry_at = {};
  one.retry_pause = std::chrono::seconds(1);
  if (stopping_ || one.output->state() != output_state::open) {
    return close(one, "the output was closed");
  }
  log_line(log_level::info, subject_of(one), "recorded, with {} of {} MiB, for a stall of {}{}{}",
           one.queues == 1 ? "a ring" : std::to_string(one.queues) + " rings, each",
           one.options.ring.size_bytes >> 20,
           stall_text(one.options.ring.size_bytes, one.queues, one.from.speed_bits),
           capture::whole_filter(one.options).empty() ? "" : " and the filter ",
           capture::whole_filter(one.options));
  if (kept_.is_active() && !one.is_ring_kept) {
    log_line(log_level::warning, subject_of(one), "its ring is not kept over a restart: {}",
             why_not_kept(one));
  }
  for (tap_user* const each : tap_users_) {
    each->on_recorded(one);
  }
  reconcile();
}

void recording::close(recorded_interface& one, const std::string& why) {
  log_line(log_level::warning, subject_of(one), "{}", why);
  one.state = interface_state::closing;
  silence_.forget(one.name() + "@" + one.entry.output);
  one.story = "not recorded before: " + why;
  one.why = why;
  move_tap_users(one);  // before its ring is told to take nothing more
  one.output->writer().remove(one.name(), why);
  reactor_.async_remove(one.ring_id, [this, &one](const base::result<>& how) {
    if (!how) {
      log_line(log_level::warning, {}, "{}", how.error().message());
    }
    tell_closed(one);  // all of it was shown, however long the disk takes
  });
}

/// Whoever sees the packets of one that ends goes on with another entry of that device.
void recording::move_tap_users(const recorded_interface& from) {
  const std::uint64_t now = base::to_epoch_ns(pipeline::read_clocks().wall);
  for (const auto& each : interfaces_) {
    if (each->state == interface_state::recording && each->name() == from.name()) {
      for (tap_user* const user : tap_users_) {
        user->on_moved(from, *each, now);
      }
    }
  }
}

void recording::tell_closed(const recorded_interface& one) {
  for (tap_user* const each : tap_users_) {
    each->on_closed(one);
  }
}

void recording::on_released(recorded_interface& one) {
  tell_closed(one);
  forget_ring(one);
  one.output = nullptr;
  one.state = interface_state::waiting;
  boost::asio::post(reactor_context_, [this] { reconcile(); });
}

/// Nobody is to take it over.
void recording::forget_ring(recorded_interface& one) {
  if (one.is_ring_kept && one.output != nullptr) {
    kept_.forget(one.name(), one.output->name());
  }
  discard_ring(one);
}

/// It is used some other time.
void recording::leave_ring(recorded_interface& one) {
  kept_.leave(one.name(), one.output->name(), *one.ring);
  discard_ring(one);
}

/// Closing a packet socket waits for the kernel, some milliseconds: not on the reactor's thread.
void recording::discard_ring(recorded_interface& one) {
  one.is_ring_kept = false;
  one.is_ring_stored = false;
  boost::asio::post(*opener_, [feed = std::move(one.feed), ring = std::move(one.ring)]() mutable {
    feed.reset();
    ring.reset();
  });
}

}  // namespace captured::daemon
