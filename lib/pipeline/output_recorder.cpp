// SPDX-License-Identifier: MIT
#include "pipeline/output_recorder.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "base/check.hpp"
#include "pipeline/limits.hpp"
#include "pipeline/unwritten.hpp"

namespace captured::pipeline {

namespace {

/// Statistics of one interface and its line in the end block, at their longest.
constexpr std::size_t control_bytes_per_port = 768;

open_files_options file_options(const output_options& options) {
  return {.directory = options.files.directory,
          .extension = std::string(storage::final_suffix),
          .preallocate_bytes = options.files.preallocate ? options.files.rotate.size_bytes : 0,
          .force_to_device = options.files.sync.policy != storage::sync_policy::none};
}

}  // namespace

base::result<std::unique_ptr<output_recorder>> output_recorder::make(
    const output_options& options, series_start start, std::vector<output_interface> interfaces,
    recorder_surroundings surroundings, base::moment now) {
  auto name = storage::file_name::parse(options.files.file_name, options.files.name);
  if (!name) {
    return name.error();
  }
  std::vector<format::interface_description_block> descriptions;
  for (const output_interface& one : interfaces) {
    descriptions.push_back(one.description);
  }
  if (const auto fits = check_head(options.files.name, start.recording, descriptions); !fits) {
    return fits.error();
  }
  auto pool = chunk_pool::make(limits::chunks_per_output, limits::chunk_bytes, interfaces.size());
  if (!pool) {
    return pool.error();
  }
  return std::unique_ptr<output_recorder>(
      new output_recorder(options, std::move(start), std::move(*name), std::move(interfaces),
                          std::move(surroundings), std::move(*pool), now));
}

output_recorder::output_recorder(const output_options& options, series_start start,
                                 storage::file_name name, std::vector<output_interface> interfaces,
                                 recorder_surroundings surroundings, chunk_pool pool,
                                 base::moment now)
    : options_(options),
      series_(std::move(start)),
      name_(std::move(name)),
      device_counts_(std::move(surroundings.device_counts)),
      stream_(*surroundings.files, file_options(options), std::move(surroundings.events),
              std::move(pool), [this](const chunk& piece) { on_written(piece); }),
      control_bytes_max_(4096 + control_bytes_per_port * interfaces.size()),
      statistics_at_(now.steady + options.statistics_interval),
      refresh_at_(statistics_at_),
      sync_at_(now.steady + options.files.sync.interval) {
  ports_.reserve(interfaces.size());
  for (output_interface& one : interfaces) {
    descriptions_.push_back(one.description);
    ports_.emplace_back(static_cast<std::uint32_t>(ports_.size()), std::move(one), device_counts_);
  }
  totals_at_switch_ = totals();
}

void output_recorder::run(base::moment now) {
  stream_.files().retry(now.steady);
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
  stream_.files().on_completion(done, now.steady);
  run(now);
}

output_state output_recorder::observe(base::moment now) const {
  output_state state;
  // A feed offers its last block before it closes, so this order cannot miss one.
  state.sources_closed = std::all_of(ports_.begin(), ports_.end(),
                                     [](const port& one) { return one.feed().closed(); });
  state.inside_block = static_cast<bool>(block_);
  state.block_waiting =
      state.inside_block || std::any_of(ports_.begin(), ports_.end(),
                                        [](const port& one) { return one.feed().has_block(); });
  state.file_open = stream_.is_open();
  state.file_count_limited =
      stream_.is_open() && storage::packets_left(options_.files.rotate, stream_.progress()) == 0u;
  state.next_ready = stream_.files().next_ready();
  state.next_pending = stream_.files().next_pending();
  state.slot_free = stream_.files().slot_free();
  state.rotation_due = stream_.is_open() && rotation_due(now);
  state.in_trouble = stream_.files().is_writing_troubled();
  state.statistics_due = now.steady >= statistics_at_ ||
                         std::any_of(ports_.begin(), ports_.end(), [&](const port& one) {
                           return one.loss_unsaid && now.steady >= one.loss_statistics_at;
                         });
  state.buffer_dirty = stream_.is_dirty();
  state.flush_due =
      state.buffer_dirty && now.steady >= stream_.dirty_since() + options_.flush_interval;
  state.sync_due =
      options_.files.sync.policy == storage::sync_policy::interval && now.steady >= sync_at_;
  state.room = stream_.has_room(std::max(control_bytes_max_, packet_needs_));
  state.stopping = deadline_.has_value();
  state.recording_ended = recording_ended_;
  state.writes_settled = stream_.files().settled();
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
  if (rotation_asked_) {
    return true;
  }
  return storage::rotation_due(options_.files.rotate, stream_.progress(), upcoming_bytes(),
                               now.wall) != storage::rotation_reason::none;
}

std::uint64_t output_recorder::upcoming_bytes() const {
  for (std::size_t turn = 0; turn < ports_.size(); ++turn) {
    const ring_feed& feed = ports_[(next_port_ + turn) % ports_.size()].feed();
    if (const auto block = feed.peek()) {
      // A block never grows when it is encoded: its octets in the ring are the upper bound.
      return capture::read_block_head(*block).used_bytes + control_bytes_max_;
    }
  }
  return 0;
}

void output_recorder::perform(output_action action, base::moment now) {
  switch (action) {
    case output_action::create_next:
      return create_next();
    case output_action::begin_file:
      return begin_file(now);
    case output_action::encode_block:
      return encode_block(now);
    case output_action::write_statistics:
      return write_statistics(now);
    case output_action::flush:
      return stream_.flush();
    case output_action::sync:
      sync_at_ = now.steady + options_.files.sync.interval;
      return stream_.files().sync();
    case output_action::end_file:
      return end_file(now);
    case output_action::give_up:
      return give_up();
    case output_action::finish:
      outcome_.ended = true;
      return;
    case output_action::wait:
      return;
  }
}

void output_recorder::create_next() {
  stream_.files().create_next(storage::prepared_name(options_.files.name, series_.next_sequence));
}

void output_recorder::begin_file(base::moment now) {
  const std::uint64_t sequence = series_.next_sequence++;
  stream_.begin(name_.make(now.wall, sequence),
                storage::next_interval_end(options_.files.rotate, now.wall));
  text_.clear();
  append_head(text_, identity_,
              {.recording = series_.recording,
               .output = options_.files.name,
               .sequence = sequence,
               .previous = series_.previous,
               .begun_ns = base::to_epoch_ns(now.wall),
               .totals = totals_at_switch_},
              descriptions_);
  stream_.append(text_, now.steady);
}

format::recording_totals output_recorder::totals() const {
  format::recording_totals all;
  for (const port& one : ports_) {
    all.emplace(one.name(), one.totals());
  }
  return all;
}

void output_recorder::take_block() {
  for (std::size_t turn = 0; turn < ports_.size(); ++turn) {
    const std::size_t candidate = (next_port_ + turn) % ports_.size();
    if (auto lease = ports_[candidate].feed().take()) {
      block_ = block_in_work(std::move(*lease));
      block_port_ = candidate;
      next_port_ = candidate + 1;
      if (block_.losses() > 0) {
        ports_[candidate].loss_unsaid = true;
      }
      return;
    }
  }
}

void output_recorder::encode_block(base::moment now) {
  if (!block_) {
    take_block();
    if (!block_) {
      return;
    }
  }
  if (options_.files.rotate.skip_empty && stream_.progress().packets == 0) {
    // The file was left open over silent intervals: it belongs to the one of its first packet.
    stream_.set_interval_end(storage::next_interval_end(options_.files.rotate, now.wall));
  }
  port& from = ports_[block_port_];
  const encode_target target{from.interface_id(), from.what().snaplen};
  while (stream_.reserve(std::max<std::size_t>(packet_needs_, 1))) {
    const std::uint64_t packets_max =
        storage::packets_left(options_.files.rotate, stream_.progress())
            .value_or(std::numeric_limits<std::uint64_t>::max());
    const std::uint64_t losses = block_.losses();
    const encode_progress done =
        block_.encode(stream_.free_space(), target, packets_max, from.newest_ns);
    stream_.commit(done, block_port_, now.steady);
    from.encoded += done.packets;
    from.losses_reported += losses - block_.losses();
    from.ledger().steps_back.add(done.steps_back);
    packet_needs_ = done.needed;
    if (done.block_ended) {
      from.ledger().damaged.add(block_.damaged() ? block_.remaining() : 0);
      block_ = {};
      return;
    }
    if (done.needed == 0) {
      return;  // the file holds as many packets as it may
    }
  }
}

void output_recorder::write_statistics(base::moment now) {
  text_.clear();
  const bool periodic = now.steady >= statistics_at_;
  for (port& one : ports_) {
    if (!periodic && !one.loss_unsaid) {
      continue;
    }
    one.refresh(device_counts_);
    one.loss_unsaid = false;
    one.loss_statistics_at = now.steady + limits::loss_statistics_pause;
    append_statistics(text_, one.figures(), statistics_kind::running, now.wall);
  }
  stream_.append(text_, now.steady);
  if (periodic) {
    statistics_at_ = now.steady + options_.statistics_interval;
  }
}

void output_recorder::end_file(base::moment now) {
  const bool last = deadline_.has_value() && !block_ &&
                    std::all_of(ports_.begin(), ports_.end(),
                                [](const port& one) { return one.feed().drained(); });
  text_.clear();
  for (port& one : ports_) {
    one.refresh(device_counts_);
    one.loss_unsaid = false;
    append_statistics(text_, one.figures(),
                      last ? statistics_kind::closing : statistics_kind::running, now.wall);
  }
  totals_at_switch_ = totals();
  format::append(text_, format::end_note{.reason = std::string(last ? format::end_reason::stop
                                                                    : format::end_reason::rotation),
                                         .totals = totals_at_switch_});
  stream_.append(text_, now.steady);
  series_.previous = stream_.files().current_name();
  stream_.end();
  rotation_asked_ = false;
  statistics_at_ = now.steady + options_.statistics_interval;
  if (last) {
    recording_ended_ = true;
    stream_.files().discard_next();
  }
}

void output_recorder::on_written(const chunk& piece) {
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    ports_[i].ledger().stored.add(piece.shares[i].packets);
    ports_[i].ledger().octets_stored.add(piece.shares[i].octets);
  }
}

void output_recorder::refresh_ledger() {
  for (port& one : ports_) {
    one.refresh(device_counts_);
  }
}

void output_recorder::give_up() {
  count_unwritten();
  refresh_ledger();
  outcome_.gave_up = true;
  outcome_.ended = true;
}

void output_recorder::count_unwritten() {
  const auto charge = [this](std::size_t i, std::uint64_t packets) {
    ports_[i].ledger().unwritten.add(packets);
  };
  // Of a file that the disk took in part, the whole packets before the first gap are stored.
  std::set<std::uint32_t> cut_slots;
  for (const chunk* piece : stream_.files().unfinished()) {
    const bool reachable = !cut_slots.contains(piece->slot);
    const auto stored =
        packets_within(piece->memory.first(reachable ? piece->taken : 0), ports_.size());
    for (std::size_t i = 0; i < ports_.size(); ++i) {
      ports_[i].ledger().stored.add(stored[i].packets);
      ports_[i].ledger().octets_stored.add(stored[i].octets);
      charge(i, piece->shares[i].packets - stored[i].packets);
    }
    if (piece->taken < piece->used) {
      cut_slots.insert(piece->slot);
    }
  }
  if (const chunk* const piece = stream_.open_chunk()) {
    for (std::size_t i = 0; i < ports_.size(); ++i) {
      charge(i, piece->shares[i].packets);
    }
  }
  if (block_) {
    charge(block_port_, block_.remaining());
    block_ = {};
  }
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    while (auto lease = ports_[i].feed().take()) {
      charge(i, capture::read_block_head(lease->memory()).packet_count);
    }
  }
}

base::steady_time output_recorder::wake_at(base::moment now) const noexcept {
  base::steady_time at = now.steady + limits::longest_wait;
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
  for (const port& one : ports_) {
    if (one.loss_unsaid) {
      sooner(one.loss_statistics_at);
    }
  }
  return at;
}

}  // namespace captured::pipeline
