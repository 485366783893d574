// SPDX-License-Identifier: MIT
//
// The part of recording that opens, changes and ends outputs.
#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "daemon/interface_text.hpp"
#include "daemon/logging.hpp"
#include "daemon/recording.hpp"

namespace captured::daemon {

namespace {

/// May a running output take these options, or does it have to end and begin anew?
bool may_change_to(pipeline::output_options from, const pipeline::output_options& to) {
  from.files.rotate = to.files.rotate;
  from.files.retain = to.files.retain;
  from.files.sync = to.files.sync;
  from.statistics_interval = to.statistics_interval;
  from.flush_interval = to.flush_interval;
  return from == to;
}

/// The options of the series of this word, see series_word.
pipeline::output_options split_by(const pipeline::output_options& options,
                                  const std::string& word) {
  pipeline::output_options one = options;
  if (word.empty()) {
    return one;
  }
  one.files.name += "-" + word;
  if (one.files.file_name.find("{output}") == std::string::npos) {
    one.files.file_name += "-" + word;
  }
  return one;
}

}  // namespace

const pipeline::output_options* recording::options_of(const std::string& family) const {
  const auto at = std::find_if(wanted_.outputs.begin(), wanted_.outputs.end(),
                               [&](const auto& one) { return one.files.name == family; });
  return at == wanted_.outputs.end() ? nullptr : &*at;
}

recorded_output* recording::output_for(const std::string& family, const capture::device& from) {
  const pipeline::output_options* const options = options_of(family);
  if (options == nullptr) {
    return nullptr;
  }
  const pipeline::output_options series =
      split_by(*options, series_word(*options, from.name, capture::link_type_of(from)));
  for (const auto& one : outputs_) {
    if (one->name() == series.files.name && one->family() == family) {
      return one.get();
    }
  }
  outputs_.push_back(std::make_unique<recorded_output>(reactor_context_.get_executor(),
                                                       writer_pool_->get_executor(),
                                                       one_writer_thread_, family, series));
  recorded_output& made = *outputs_.back();
  output_events events;
  events.opened = [this, &made] {
    if (!made.trouble().empty()) {
      log_trouble(log_level::error, {{{"output", made.name()}}, "open"}, "{}", made.trouble());
    } else {
      log_over({{"output", made.name()}}, "open");
    }
    if (stopping_ || !is_served(made)) {
      made.stop(deadline_.value_or(pipeline::read_clocks().steady + wanted_.stop_timeout));
      return check_ended();
    }
    boost::asio::post(reactor_context_, [this] {
      if (!stopping_) {
        follow_outputs(wanted_.outputs);  // the configuration may be another one by now
      }
      reconcile();
    });
  };
  events.released = [this, &made](const std::string& interface) {
    for (const auto& one : interfaces_) {
      if (one->output == &made && one->name() == interface) {
        on_released(*one);
      }
    }
  };
  events.ended = [this, &made](const pipeline::recorder_outcome& how) {
    on_output_ended(made, how);
  };
  made.listen(std::move(events));
  return &made;
}

void recording::open_output(recorded_output& one) {
  const auto former = former_series_.find(one.name());
  one.open(uuid_, former == former_series_.end() ? std::nullopt : std::optional(former->second),
           kept_.recordings());
}

void recording::retire(recorded_output& one) {
  for (const auto& each : interfaces_) {
    if (each->output == &one && each->state == interface_state::recording) {
      close(*each, "the output was closed");
    } else if (each->output == &one && each->state == interface_state::opening) {
      each->output = nullptr;
    }
  }
  if (one.state() == output_state::open) {
    one.stop(pipeline::read_clocks().steady + wanted_.stop_timeout);
  } else if (one.state() == output_state::closed) {
    drop_output(one);
  } else if (one.state() == output_state::opening) {
    abandoned_.push_back(take_output(one));  // a folder that does not answer
  }
}

bool recording::is_served(const recorded_output& one) const {
  return std::any_of(outputs_.begin(), outputs_.end(),
                     [&](const auto& each) { return each.get() == &one; });
}

/// What the disk takes from now on stands in no ledger: the next life says how much that was.
void recording::note_counted(const recorded_output& one) {
  for (const auto& each : interfaces_) {
    if (each->output == &one && each->is_ring_stored && each->ring) {
      const pipeline::ledger_figures counted = pipeline::read(each->ledger);
      capture::ring_use use = each->ring->use();
      use.packets_counted = counted.stored + counted.unwritten;
      use.is_counted = 1;
      each->ring->set_use(use);
    }
  }
}

void recording::on_output_ended(recorded_output& one, const pipeline::recorder_outcome& how) {
  if (!is_served(one)) {
    return;  // it was given up while it opened
  }
  former_series_[one.name()] = how.next;
  outcome_.unproven |= how.unproven;
  if (how.gave_up) {
    outcome_.unwritten = true;
    outcome_.hanging = true;
    const bool are_left = std::ranges::any_of(interfaces_, [&one](const auto& each) {
      return each->output == &one && each->is_ring_stored;
    });
    log_line(log_level::error, {{"output", one.name()}},
             "the disk did not take everything within {} s{}", wanted_.stop_timeout.count() / 1000,
             are_left
                 ? "; the rest waits in the rings for the next start, and goes with them where "
                   "the service is only stopped"
                 : "");
    note_counted(one);
  }
  for (const auto& each : interfaces_) {
    if (each->output == &one && each->state == interface_state::closing) {
      on_released(*each);
    }
  }
  if (stopping_) {
    return check_ended();
  }
  if (how.gave_up) {
    // What hangs in the system still reads its memory.
    abandoned_.push_back(take_output(one));
    return reconcile();
  }
  // Behind this answer nothing of it runs on the writer pool any more.
  one.writer().ask([this, &one](const pipeline::writer::doing&) {
    boost::asio::post(reactor_context_, [this, &one] { drop_output(one); });
  });
}

std::unique_ptr<recorded_output> recording::take_output(recorded_output& one) {
  const auto at = std::find_if(outputs_.begin(), outputs_.end(),
                               [&](const auto& each) { return each.get() == &one; });
  std::unique_ptr<recorded_output> taken = std::move(*at);
  outputs_.erase(at);
  return taken;
}

void recording::drop_output(recorded_output& one) {
  // Its disk threads are waited for elsewhere.
  boost::asio::post(*opener_, [gone = take_output(one)]() mutable { gone.reset(); });
  if (!stopping_) {
    reconcile();
  }
}

void recording::follow_outputs(const std::vector<pipeline::output_options>& wanted) {
  std::vector<recorded_output*> outdated;
  for (const auto& one : outputs_) {
    const auto at = std::find_if(wanted.begin(), wanted.end(), [&](const auto& options) {
      return options.files.name == one->family();
    });
    if (at == wanted.end()) {
      outdated.push_back(one.get());
      continue;
    }
    const bool is_split = one->name() != one->family();
    const pipeline::output_options to =
        split_by(*at, is_split ? one->name().substr(one->family().size() + 1) : "");
    if (may_change_to(one->options(), to)) {
      one->reconfigure(to);
    } else {
      outdated.push_back(one.get());
    }
  }
  for (recorded_output* const one : outdated) {
    retire(*one);
  }
}

}  // namespace captured::daemon
