// SPDX-License-Identifier: MIT
//
// The part of recording that says what it is doing.
#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "capture/filter.hpp"
#include "daemon/interface_text.hpp"
#include "daemon/logging.hpp"
#include "daemon/recording.hpp"

namespace captured::daemon {

namespace {

/// How often an interface is looked at for silence, at the most and at the least.
constexpr std::chrono::milliseconds shortest_look{250};
constexpr std::chrono::milliseconds longest_look{10'000};

const char* state_word(output_state state) {
  switch (state) {
    case output_state::opening:
      return "opening";
    case output_state::open:
      return "open";
    case output_state::closing:
      return "closing";
    case output_state::closed:
    case output_state::ended:
      break;
  }
  return "closed";
}

const char* state_word(interface_state state) {
  switch (state) {
    case interface_state::opening:
    case interface_state::joining:
      return "opening";
    case interface_state::recording:
      return "recording";
    case interface_state::closing:
      return "closing";
    case interface_state::waiting:
      break;
  }
  return "waiting";
}

interface_status status_of(const recorded_interface& one) {
  interface_status now;
  now.name = one.name();
  now.output = one.entry.output;
  now.state = state_word(one.state);
  now.why = one.why;
  now.required = one.entry.required && one.configured;
  const bool is_in_force = one.state == interface_state::recording;
  now.filter = capture::whole_filter(is_in_force ? one.options : one.entry.device);
  if (one.begun) {
    now.link_type = link_word(capture::link_type_of(one.from));
  }
  now.up = one.state == interface_state::recording && one.from.up && one.from.running;
  now.figures = pipeline::read(one.ledger);
  return now;
}

/// What is wrong with the folders of an output, and which one is in use.
void tell_places(output_status& one, const std::string& fallback,
                 const pipeline::writer::doing& doing) {
  const auto& [first, second] = doing.place_troubles;
  if (doing.place != 0) {
    one.trouble = (first.empty() ? one.directory + " is not trusted yet" : first) +
                  "; files are made in " + fallback +
                  (second.empty() ? "" : ", but there too: " + second);
    one.directory = fallback;
  } else if (doing.in_trouble) {
    one.trouble = "the disk does not take what is written";
  } else if (!first.empty()) {
    one.trouble = first;
  } else if (!second.empty()) {
    one.trouble = "the fallback: " + second;
  }
}

}  // namespace

void recording::refresh_ledger(std::function<void()> done) {
  ask_status([done = std::move(done)](const recording_status&) { done(); });
}

void recording::check_progress(std::function<void(bool)> alive) {
  // Counted down on the reactor's thread; begins with one for the asking itself.
  const auto left = std::make_shared<std::size_t>(1);
  const auto good = std::make_shared<bool>(true);
  const auto answered = [left, good, alive = std::move(alive)](bool progress) {
    *good &= progress;
    if (--*left == 0) {
      alive(*good);
    }
  };
  for (const auto& one : outputs_) {
    if (one->state() == output_state::open || one->state() == output_state::closing) {
      ++*left;
      one->writer().ask([this, answered](const pipeline::writer::doing& doing) {
        boost::asio::post(reactor_context_,
                          [answered, progress = doing.progress] { answered(progress); });
      });
    }
  }
  answered(true);
}

void recording::ask_status(std::function<void(const recording_status&)> answer) {
  const auto gathered = std::make_shared<recording_status>();
  const auto left = std::make_shared<std::size_t>(1);
  const auto answered = [this, gathered, left, answer = std::move(answer)] {
    if (--*left > 0) {
      return;
    }
    gathered->recording = uuid_;
    gathered->since = started_at_;
    for (const auto& one : interfaces_) {
      // What a pattern took up and is gone again is no news, and no trouble.
      if (one->configured || one->state != interface_state::waiting) {
        gathered->interfaces.push_back(status_of(*one));
      }
    }
    answer(*gathered);
  };
  for (const auto& one : outputs_) {
    const std::size_t index = gathered->outputs.size();
    gathered->outputs.push_back({.name = one->name(),
                                 .directory = one->options().files.directory,
                                 .state = state_word(one->state()),
                                 .trouble = one->trouble()});
    if (one->state() == output_state::open || one->state() == output_state::closing) {
      ++*left;
      one->writer().refresh_ledger([] {});
      one->writer().ask([this, gathered, answered, index, fallback = one->options().files.fallback](
                            const pipeline::writer::doing& doing) {
        boost::asio::post(reactor_context_, [gathered, answered, index, fallback, doing] {
          gathered->outputs[index].file = doing.file;
          gathered->outputs[index].kept = doing.kept;
          tell_places(gathered->outputs[index], fallback, doing);
          answered();
        });
      });
    }
  }
  answered();
}

std::vector<ledger_row> recording::ledger() const {
  std::vector<ledger_row> rows;
  for (const auto& one : interfaces_) {
    if (one->begun) {
      rows.push_back({one->name(), one->entry.output, pipeline::read(one->ledger)});
    }
  }
  return rows;
}

std::size_t recording::interface_count() const {
  return static_cast<std::size_t>(
      std::count_if(interfaces_.begin(), interfaces_.end(),
                    [](const auto& one) { return one->state == interface_state::recording; }));
}

std::size_t recording::output_count() const {
  return static_cast<std::size_t>(
      std::count_if(outputs_.begin(), outputs_.end(),
                    [](const auto& one) { return one->state() == output_state::open; }));
}

std::string recording::first_trouble() const {
  for (const auto& one : outputs_) {
    if (!one->trouble().empty()) {
      return one->trouble();
    }
  }
  for (const auto& one : interfaces_) {
    if (!one->why.empty()) {
      return one->why;
    }
  }
  return {};
}

void recording::arm_silence() {
  auto shortest = std::chrono::milliseconds::max();
  for (const settings::interface_settings& entry : wanted_.interfaces) {
    if (entry.silence.count() > 0) {
      shortest = std::min(shortest, entry.silence);
    }
  }
  silence_timer_.cancel();
  if (shortest == std::chrono::milliseconds::max()) {
    return;
  }
  silence_timer_.expires_after(
      std::clamp<std::chrono::milliseconds>(shortest / 4, shortest_look, longest_look));
  silence_timer_.async_wait([this](boost::system::error_code error) {
    if (!error && !stopping_) {
      refresh_ledger([this] { feed_silence(); });
      arm_silence();
    }
  });
}

void recording::feed_silence() {
  const base::moment now = pipeline::read_clocks();
  for (const auto& one : interfaces_) {
    if (one->state != interface_state::recording) {
      continue;
    }
    const std::string key = one->name() + "@" + one->entry.output;
    const auto event =
        silence_.feed(key, one->ledger.filteraccept.get(), one->entry.silence, now.steady);
    if (event) {
      log_line(
          event->what == silence_event::kind::fell_silent ? log_level::warning : log_level::info,
          {{"interface", one->name()}, {"output", one->entry.output}}, "{}", event->text());
      one->output->writer().note(one->name(), event->text() + ", " + time_text(now.wall));
    }
  }
}

}  // namespace captured::daemon
