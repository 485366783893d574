// SPDX-License-Identifier: MIT
//
// The part of output_recorder that ends a file and the recording.
#include <utility>

#include "pipeline/output_recorder.hpp"
#include "pipeline/unwritten.hpp"

namespace captured::pipeline {

void output_recorder::end_file(base::moment now) {
  if (stream_.files().is_current_given_up()) {
    return abandon_file();
  }
  const bool last = deadline_.has_value() && !block_ && ports_.drained();
  text_.clear();
  ports_.append_final(text_, last ? statistics_kind::closing : statistics_kind::running, now.wall);
  totals_at_switch_ = ports_.totals();
  format::append(text_, format::end_note{.reason = std::string(last ? format::end_reason::stop
                                                                    : format::end_reason::rotation),
                                         .totals = totals_at_switch_});
  say(now);
  series_.previous = stream_.files().current_name();
  stream_.end();
  rotation_asked_ = false;
  statistics_at_ = now.steady + options_.statistics_interval;
  if (last) {
    recording_ended_ = true;
    stream_.files().discard_next();
  }
}

/// What a kept ring has and no file goes back to nobody but the next life.
output_recorder::~output_recorder() {
  if (block_ && ports_[block_port_].is_ring_kept()) {
    block_.take().forget();
  }
}

void output_recorder::give_up() {
  ports_.leave_rings();
  count_unwritten();
  refresh_ledger();
  if (stream_.is_open()) {
    go_on_behind_current();
  }
  outcome_.gave_up = true;
  note_end();
}

void output_recorder::note_end() {
  ports_.settle_handed_over();
  outcome_.unproven = stream_.files().any_unproven();
  outcome_.next = series_;
  outcome_.next.totals = ports_.settled_totals();
  outcome_.next.forgotten = ports_.has_forgotten();
  outcome_.ended = true;
}

/// Of what nobody is going to write.
void output_recorder::let_go(chunk& piece) {
  for (held_block& one : piece.held) {
    if (ports_[one.port].is_left) {
      one.lease.forget();
    }
  }
  piece.let_go();
}

void output_recorder::count_unwritten() {
  settle_unfinished(stream_.files().unfinished(), ports_, records_);
  for (chunk* const piece : stream_.files().unfinished()) {
    piece->block.forget();  // the disk may read it yet
    let_go(*piece);
  }
  if (chunk* const piece = stream_.open_chunk()) {
    ports_.count_unwritten(piece->runs);
    let_go(*piece);
  }
  if (block_ && ports_[block_port_].is_left) {
    block_.take().forget();
  } else if (block_) {
    ports_[block_port_].ledger().unwritten.add(block_.remaining());
    block_ = {};
  }
  while (auto next = ports_.take_block()) {
    ports_[next->port].ledger().unwritten.add(
        capture::read_block_head(next->block.memory()).packet_count - next->block.packets_done());
  }
}

}  // namespace captured::pipeline
