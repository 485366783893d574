// SPDX-License-Identifier: MIT
#include "daemon/recorded_output.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "capture/device_counters.hpp"
#include "daemon/accounts.hpp"
#include "daemon/logging.hpp"
#include "daemon/output_log.hpp"
#include "pipeline/limits.hpp"

namespace captured::daemon {

namespace {

/// Short enough to go on within two seconds of the cure.
constexpr std::chrono::seconds retry_pause{1};

/// The device counters of one output's interfaces; read on its strand only.
pipeline::device_count_reader open_device_counters() {
  auto table = capture::device_counter_table::open();
  if (!table) {
    log_line(log_level::warning, {}, "{}; the files will not tell what the devices lost",
             table.error().message());
    return {};
  }
  // std::function wants something that can be copied; there is one owner all the same.
  auto shared = std::make_shared<capture::device_counter_table>(std::move(*table));
  return [shared](const std::string& name) -> std::optional<capture::device_counters> {
    const auto counters = shared->read(name);
    return counters ? std::optional(*counters) : std::nullopt;
  };
}

}  // namespace

recorded_output::recorded_output(boost::asio::any_io_executor reactor,
                                 const pipeline::writer::pool_executor& writer_pool,
                                 bool one_writer_thread, std::string family,
                                 pipeline::output_options options)
    : reactor_(std::move(reactor)),
      writer_pool_(writer_pool),
      one_writer_thread_(one_writer_thread),
      family_(std::move(family)),
      options_(std::move(options)),
      first_place_timer_(reactor_),
      repair_timer_(reactor_) {}

recorded_output::~recorded_output() {
  repairs_.clear();  // their threads look at alive_
  for (place_state& place : places_) {
    place = {};
  }
  if (writer_) {
    writer_->drop_recorder();  // lets go of the folders
  }
  if (disposer_) {
    disposer_->join();  // no completion comes any more: then the strand may go
  }
}

void recorded_output::open(const std::string& recording,
                           const std::optional<pipeline::series_start>& former,
                           const std::vector<std::string>& left) {
  state_ = output_state::opening;
  former_ = former;
  recording_ = recording;
  left_ = left;
  const auto rights = rights_of(options_.files);
  if (!rights) {
    post_to_reactor([this, why = rights.error()] { on_begun(why); });
    return;
  }
  rights_ = *rights;
  // A recorder of this process that gave up may still hang in a write to its file.
  const bool repair = !former.has_value();
  for (std::uint32_t i = 0; i < storage::places_max; ++i) {
    places_[i] = {};
    places_[i].directory = i == 0 ? options_.files.directory : options_.files.fallback;
    if (places_[i].directory.empty()) {
      continue;
    }
    if (const auto watched = watch_place(i, recording, repair); !watched) {
      post_to_reactor([this, why = watched.error()] { on_begun(why); });
      return;
    }
  }
}

void recorded_output::on_begun(const base::result<>& begun) {
  if (state_ != output_state::opening) {
    return;
  }
  if (begun) {
    state_ = output_state::open;
    trouble_.clear();
  } else {
    state_ = output_state::closed;
    for (place_state& place : places_) {
      place = {};
    }
    trouble_ = begun.error().message();
    retry_at_ = pipeline::read_clocks().steady + retry_pause;
  }
  events_.opened();
}

/// Pages do no harm where writes are not direct; the other way round each would be refused. A
/// folder that is not open yet may have direct writes.
pipeline::placement recorded_output::placement_for_all() const {
  const bool may_be_direct = options_.files.direct != storage::direct_mode::off;
  const bool is_possible = std::ranges::any_of(places_, [](const place_state& one) {
    return one.opened ? one.opened->direct_possible : one.watch != nullptr;
  });
  return may_be_direct && is_possible ? pipeline::placement::paged : pipeline::placement::packed;
}

base::result<> recorded_output::start() {
  const std::uint32_t first = places_[0].opened ? 0 : 1;
  pipeline::series_start series;
  series.recording = recording_;
  for (const place_state& place : places_) {
    if (place.opened && place.opened->start.next_sequence > series.next_sequence) {
      series = place.opened->start;
    }
  }
  if (former_) {
    pipeline::go_on_from(series, *former_);
  }
  if (!disposer_) {
    disposer_ = std::make_unique<boost::asio::thread_pool>(1);
  }
  writer_ = std::make_unique<pipeline::writer>(
      writer_pool_, [this](const pipeline::recorder_outcome& how) {
        boost::asio::post(reactor_, [this, how] { on_ended(how); });
      });
  pipeline::recorder_surroundings around;
  around.where = placement_for_all();
  around.device_counts = open_device_counters();
  around.released = [this](const std::string& interface) {
    boost::asio::post(reactor_, [this, interface] { events_.released(interface); });
  };
  around.memory_refused = [output = name()](const base::error_code& why) {
    log_line(log_level::info, {{"output", output}},
             "the kernel does not keep hold of memory for direct writes ({}; see LimitMEMLOCK=): "
             "they cost a little more",
             why.message());
  };
  around.events = log_events(name(), !options_.files.fallback.empty());
  around.keeping = log_removals(name());
  around.places = follow_places();
  auto recorder = pipeline::output_recorder::make(options_, std::move(series), std::move(around),
                                                  pipeline::read_clocks());
  if (!recorder) {
    return recorder.error();
  }
  writer_->attach(std::move(*recorder));
  // With none nothing of the writer is under way yet, and another attempt may make a new one.
  std::size_t attached = 0;
  for (std::uint32_t i = 0; i < storage::places_max; ++i) {
    attached += places_[i].opened && attach_or_say(i) ? 1u : 0u;
  }
  if (attached == 0) {
    return *places_[first].failure;
  }
  writer_->start();
  return {};
}

format::interface_totals recorded_output::left_off(const std::string& recording,
                                                   const std::string& interface) const {
  const auto at = left_off_.find(recording);
  return at == left_off_.end() ? format::interface_totals{}
                               : format::totals_of(at->second, interface);
}

void recorded_output::stop(base::steady_time deadline) {
  if (state_ == output_state::open) {
    state_ = output_state::closing;
    writer_->stop(deadline);
  }
}

void recorded_output::reconfigure(const pipeline::output_options& changed) {
  if (changed == options_) {
    return;
  }
  options_ = changed;
  if (state_ == output_state::open) {
    writer_->reconfigure(changed);
  }
}

void recorded_output::on_ended(const pipeline::recorder_outcome& how) {
  state_ = output_state::ended;
  repair_timer_.cancel();
  for (place_state& place : places_) {
    place.watch.reset();  // and with it our claim on the folder
  }
  events_.ended(how);
}

}  // namespace captured::daemon
