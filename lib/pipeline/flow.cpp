// SPDX-License-Identifier: MIT
#include "pipeline/flow.hpp"

namespace captured::pipeline {

namespace {

/// The last packet was encoded: close what is open, wait for the disk.
output_action decide_after_end(const output_state& state) noexcept {
  if (state.buffer_dirty) {
    return output_action::flush;
  }
  return state.writes_settled ? output_action::finish : output_action::wait;
}

output_action decide_without_file(const output_state& state) noexcept {
  if (!state.file_wanted) {
    return state.stopping && !state.next_pending ? output_action::leave : output_action::wait;
  }
  return state.next_ready && state.room ? output_action::begin_file : output_action::wait;
}

output_action decide_with_file(const output_state& state) noexcept {
  const bool drained = state.sources_closed && !state.block_waiting;
  if (state.file_given_up) {
    return output_action::end_file;
  }
  // Without a folder to go to, what was recorded is closed as long as the former one can be
  // reached; without an interface no next file is coming that could be waited for.
  if (state.relocation_due && state.room_to_end &&
      (state.next_ready || !state.place_ready || !state.file_wanted)) {
    return output_action::end_file;
  }
  if (state.stopping && drained) {
    return state.room ? output_action::end_file : output_action::wait;
  }
  // The switch waits for the next file, not the packets: until it is there, recording goes on. Nor
  // does it make sense while the disk takes nothing: it would only leave more files half written.
  if (state.rotation_due && state.next_ready && state.room && !state.in_trouble) {
    return output_action::end_file;
  }
  if (state.description_due && state.room) {
    return output_action::describe;
  }
  if (state.statistics_due && state.room && !state.inside_block) {
    return output_action::write_statistics;
  }
  if (state.block_waiting && state.room && !state.file_count_limited) {
    return output_action::encode_block;
  }
  return output_action::wait;
}

}  // namespace

output_action decide(const output_state& state) noexcept {
  if (state.deadline_passed && state.sources_closed) {
    return output_action::give_up;
  }
  if (state.recording_ended) {
    return decide_after_end(state);
  }
  if (state.buffer_dirty && state.flush_due) {
    return output_action::flush;
  }
  // While stopping a next file is made only where the packets still need one.
  const bool wants_next =
      state.place_ready && state.file_wanted &&
      (!state.stopping || !state.file_open || state.file_count_limited || state.relocation_due);
  if (wants_next && !state.next_ready && !state.next_pending && state.slot_free) {
    return output_action::create_next;
  }
  const output_action action =
      state.file_open ? decide_with_file(state) : decide_without_file(state);
  if (action == output_action::wait && state.sync_due) {
    return output_action::sync;
  }
  return action;
}

}  // namespace captured::pipeline
