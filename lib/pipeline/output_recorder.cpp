// SPDX-License-Identifier: MIT
#include "pipeline/output_recorder.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.hpp"
#include "pipeline/limits.hpp"

namespace captured::pipeline {

namespace {

open_files_options file_options(const output_options& options) {
  return {.output = options.files.name,
          .directory = options.files.directory,
          .extension = std::string(extension_of(options.format)),
          .preallocate_bytes = options.files.preallocate ? options.files.rotate.size_bytes : 0,
          .force_to_device = options.files.sync.policy != storage::sync_policy::none};
}

}  // namespace

base::result<std::unique_ptr<output_recorder>> output_recorder::make(
    const output_options& options, series_start start, recorder_surroundings surroundings,
    base::moment now) {
  auto name = storage::file_name::parse(options.files.file_name, options.files.name,
                                        extension_of(options.format));
  if (!name) {
    return name.error();
  }
  if (options.format != file_format::pcapng) {
    surroundings.where = placement::packed;  // records alone: there are no fillers
  }
  auto pool = chunk_pool::make(limits::chunks_in_pool, limits::chunks_present,
                               surroundings.chunk_bytes, limits::blocks_per_output);
  if (!pool) {
    return pool.error();
  }
  const auto memory = pool->memory();
  std::unique_ptr<output_recorder> recorder(new output_recorder(
      options, std::move(start), std::move(*name), std::move(surroundings), std::move(*pool), now));
  recorder->add_memory(memory);
  return recorder;
}

output_recorder::output_recorder(const output_options& options, series_start start,
                                 storage::file_name name, recorder_surroundings surroundings,
                                 chunk_pool pool, base::moment now)
    : options_(options),
      series_(std::move(start)),
      name_(std::move(name)),
      released_(std::move(surroundings.released)),
      memory_refused_(std::move(surroundings.memory_refused)),
      ports_(std::move(surroundings.device_counts), series_.totals),
      now_(now),
      place_events_(std::move(surroundings.places)),
      keeper_(router_, options.files.retain, std::move(surroundings.keeping)),
      stream_(router_, file_options(options), watched(std::move(surroundings.events)),
              surroundings.where, std::move(pool),
              [this](const chunk& piece) { on_written(piece); }),
      statistics_at_(now.steady + options.statistics_interval),
      refresh_at_(statistics_at_),
      sync_at_(now.steady + options.files.sync.interval) {
  if (options.format != file_format::pcapng) {
    records_.emplace(options.format);
  }
  totals_at_switch_ = ports_.totals();
  if (series_.forgotten) {
    ports_.set_forgotten();
  }
  if (surroundings.files != nullptr) {
    // Not ours to destroy.
    const std::shared_ptr<storage::file_operations> files(surroundings.files,
                                                          [](storage::file_operations*) {});
    attach(0, {files, options.files.directory, std::move(surroundings.earlier)}, now);
  }
}

void output_recorder::add_memory(std::span<std::byte> memory) {
  if (memory.empty()) {
    return;
  }
  tell_refused(router_.add_memory(memory));
}

void output_recorder::tell_refused(const base::error_code& memory) {
  if (memory && memory_refused_) {
    std::exchange(memory_refused_, nullptr)(memory);  // what follows is refused too
  }
}

/// Finished files are from then on the keeper's.
open_files_events output_recorder::watched(open_files_events events) {
  events.closed = [this, told = std::move(events.closed)](const closed_file& file) {
    keeper_.add(file, now_.wall);
    told(file);
  };
  events.left_unproven = place_events_.left_refused;
  events.given_up = [this](const std::vector<chunk*>& pieces) { on_given_up(pieces); };
  return events;
}

void output_recorder::reconfigure(const output_options& changed, base::moment now) {
  const bool other_interval = options_.files.rotate.interval != changed.files.rotate.interval;
  options_.files.rotate = changed.files.rotate;
  keeper_.set_limits(changed.files.retain);
  options_.files.sync = changed.files.sync;
  options_.statistics_interval = changed.statistics_interval;
  options_.flush_interval = changed.flush_interval;
  const open_files_options files = file_options(options_);
  stream_.files().reconfigure(files.preallocate_bytes, files.force_to_device);
  if (stream_.is_open() && other_interval) {
    stream_.set_interval_end(storage::next_interval_end(options_.files.rotate, now.wall));
  }
  statistics_at_ = std::min(statistics_at_, now.steady + options_.statistics_interval);
  sync_at_ = std::min(sync_at_, now.steady + options_.files.sync.interval);
}

void output_recorder::run(base::moment now) {
  if (outcome_.ended) {
    return;  // a completion, or a wake, that was on its way
  }
  now_ = now;
  stream_.files().retry(now.steady);
  keeper_.run(now, stream_.files());
  choose_place(now);
  while (!outcome_.ended) {
    const output_action action = decide(observe(now));
    if (action == output_action::wait) {
      refresh_in_time(now);
      return;
    }
    perform(action, now);
  }
}

/// The kernel counts in 32 bits: a disk that hangs for hours must not keep us from asking.
void output_recorder::refresh_in_time(base::moment now) {
  if (now.steady >= refresh_at_) {
    refresh_ledger();
    refresh_at_ = now.steady + options_.statistics_interval;
  }
}

void output_recorder::on_completion(const storage::file_completion& done, base::moment now) {
  if (outcome_.ended) {
    return;
  }
  now_ = now;
  router_.on_completion(done);
  if (storage::uses_slot(done.action)) {
    stream_.files().on_completion(done, now.steady);
  } else if (keeper_.on_completion(done, now.steady)) {
    stream_.files().retry_now(now.steady);
  }
  run(now);
}

output_state output_recorder::observe(base::moment now) const {
  output_state state;
  // A feed offers its last block before it closes, so this order cannot miss one.
  state.sources_closed = ports_.sources_closed();
  state.inside_block = static_cast<bool>(block_);
  state.block_waiting = state.inside_block || ports_.block_waiting();
  state.file_wanted = ports_.any_attached();
  state.file_open = stream_.is_open();
  state.file_count_limited =
      stream_.is_open() && storage::packets_left(options_.files.rotate, stream_.progress()) == 0u;
  // The totals in a file's head are those after what earlier files have cost.
  const bool must_wait = stream_.files().is_settling(now.steady);
  state.next_ready = stream_.files().next_ready() && !must_wait;
  state.next_pending = stream_.files().next_pending() || must_wait;
  state.slot_free = stream_.files().slot_free();
  state.rotation_due = stream_.is_open() && rotation_due(now);
  state.in_trouble = stream_.files().is_writing_troubled();
  state.statistics_due = now.steady >= statistics_at_ || ports_.loss_statistics_due(now.steady);
  state.description_due = ports_.description_due(now.steady, port_in_work());
  state.buffer_dirty = stream_.is_dirty();
  state.flush_due =
      state.buffer_dirty && (now.steady >= stream_.dirty_since() + options_.flush_interval ||
                             (ports_.holds_most() && !block_));
  state.sync_due =
      options_.files.sync.policy == storage::sync_policy::interval && now.steady >= sync_at_;
  state.room = stream_.has_room(std::max(ports_.text_bytes_max(), packet_needs_));
  state.room_to_end = stream_.has_room_to_end(ports_.text_bytes_max());
  state.place_ready = router_.is_attached(stream_.files().place());
  state.relocation_due = stream_.is_open() && stream_.files().is_current_elsewhere();
  state.file_given_up = stream_.is_open() && stream_.files().is_current_given_up();
  state.stopping = deadline_.has_value();
  state.recording_ended = recording_ended_;
  state.writes_settled = stream_.files().settled() && !keeper_.is_removing();
  state.deadline_passed = deadline_ && now.steady >= *deadline_;
  return state;
}

bool output_recorder::rotation_due(base::moment now) const {
  // Files are cut between ring blocks; only the limit on packets cuts inside one.
  if (storage::packets_left(options_.files.rotate, stream_.progress()) == 0u) {
    return true;
  }
  if (block_) {
    return false;
  }
  if (rotation_asked_ || stream_.files().is_current_unproven()) {
    return true;
  }
  return storage::rotation_due(options_.files.rotate, stream_.progress(), upcoming_bytes(),
                               now.wall) != storage::rotation_reason::none;
}

std::uint64_t output_recorder::upcoming_bytes() const {
  // A block never grows when it is encoded: its octets in the ring are the upper bound.
  const std::size_t block = ports_.upcoming_bytes();
  return block == 0 ? 0 : block + stream_.filler_bytes_max() + ports_.text_bytes_max();
}

std::optional<std::size_t> output_recorder::port_in_work() const {
  return block_ ? std::optional(block_port_) : std::nullopt;
}

std::string output_recorder::current_name() const {
  return stream_.is_open() ? stream_.files().current_name() : std::string();
}

bool output_recorder::waits_for_disk() const noexcept {
  return deadline_.has_value() || block_ || ports_.block_waiting() || ports_.has_lent_most();
}

bool output_recorder::made_progress() {
  const bool idle = !block_ && !ports_.block_waiting();
  const bool disk = !stream_.files().settled();
  return std::exchange(actions_seen_, actions_) != actions_ || idle || disk;
}

void output_recorder::perform(output_action action, base::moment now) {
  ++actions_;
  switch (action) {
    case output_action::create_next:
      return create_next();
    case output_action::begin_file:
      return begin_file(now);
    case output_action::encode_block:
      return encode_block(now);
    case output_action::write_statistics:
      return write_statistics(now);
    case output_action::describe:
      return describe(now);
    case output_action::flush:
      return stream_.flush();
    case output_action::sync:
      sync_at_ = now.steady + options_.files.sync.interval;
      return stream_.files().sync();
    case output_action::end_file:
      return end_file(now);
    case output_action::leave:
      recording_ended_ = true;
      return stream_.files().discard_next();
    case output_action::give_up:
      return give_up();
    case output_action::finish:
      note_end();
      return;
    case output_action::wait:
      return;
  }
}

void output_recorder::create_next() {
  stream_.files().create_next(series_.next_sequence);
}

void output_recorder::begin_file(base::moment now) {
  const std::uint64_t sequence = series_.next_sequence++;
  if (std::exchange(has_lost_packets_, false)) {
    ports_.settle_totals();
    totals_at_switch_ = ports_.totals();  // what got lost with earlier files is known by now
  }
  ports_.forget_some(totals_at_switch_);
  stream_.begin(name_.make(now.wall, sequence),
                storage::next_interval_end(options_.files.rotate, now.wall));
  const auto interfaces = ports_.begin_file();
  text_.clear();
  if (records_) {
    std::vector<std::byte> aside;
    records_->begin_file(interfaces.front().link, text_, aside);
    stream_.append(text_, now.steady);
    stream_.aside() = std::move(aside);
    return;
  }
  append_head(text_, identity_,
              {.recording = series_.recording,
               .output = options_.files.name,
               .sequence = sequence,
               .previous = series_.previous,
               .begun_ns = base::to_epoch_ns(now.wall),
               .totals = totals_at_switch_,
               .untold = ports_.untold(totals_at_switch_),
               .forgotten = ports_.has_forgotten()},
              interfaces);
  stream_.append(text_, now.steady);
}

/// Puts the text into the file, unless its format has no place for any.
void output_recorder::say(base::moment now) {
  if (!records_) {
    stream_.append(text_, now.steady);
  }
}

void output_recorder::write_statistics(base::moment now) {
  text_.clear();
  const bool periodic = now.steady >= statistics_at_;
  ports_.append_running(text_, now, periodic);
  say(now);
  if (periodic) {
    statistics_at_ = now.steady + options_.statistics_interval;
  }
}

void output_recorder::describe(base::moment now) {
  text_.clear();
  ports_.describe(text_, now, port_in_work(),
                  [this](const std::string& name, capture::block_source& source) {
                    for (std::uint32_t queue = 0; queue < source.queue_count(); ++queue) {
                      router_.remove_memory(source.memory(queue));
                    }
                    released_(name);
                  });
  say(now);
}

void output_recorder::refresh_ledger() {
  ports_.refresh();
}

base::steady_time output_recorder::wake_at(base::moment now) const noexcept {
  base::steady_time at = std::min(now.steady + limits::longest_wait, ports_.wake_at(now.steady));
  // What is due already and was not done waits for an event, not for the clock.
  const auto sooner = [&at, &now](base::steady_time other) {
    if (other > now.steady) {
      at = std::min(at, other);
    }
  };
  sooner(statistics_at_);
  sooner(refresh_at_);
  if (stream_.is_dirty()) {
    sooner(stream_.dirty_since() + options_.flush_interval);
  }
  if (stream_.is_open() && stream_.progress().interval_end != base::wall_time::max()) {
    sooner(now.steady + (stream_.progress().interval_end - now.wall));
  }
  if (options_.files.sync.policy == storage::sync_policy::interval) {
    sooner(sync_at_);
  }
  if (const auto retry = stream_.files().retry_at()) {
    sooner(*retry);
  }
  if (deadline_) {
    sooner(*deadline_);
  }
  if (router_.is_attached(1)) {
    sooner(now.steady + limits::space_pause);  // to see that the first place is, or is not, well
  }
  return at;
}

}  // namespace captured::pipeline
