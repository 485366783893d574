// SPDX-License-Identifier: MIT
#include <array>

#include "pipeline/flow.hpp"
#include "support/catch.hpp"

using captured::pipeline::decide;
using captured::pipeline::output_action;
using captured::pipeline::output_state;

namespace {

constexpr std::array facts{
    &output_state::file_open,      &output_state::file_wanted,    &output_state::file_count_limited,
    &output_state::next_ready,     &output_state::next_pending,   &output_state::slot_free,
    &output_state::rotation_due,   &output_state::statistics_due, &output_state::description_due,
    &output_state::flush_due,      &output_state::sync_due,       &output_state::buffer_dirty,
    &output_state::room,           &output_state::block_waiting,  &output_state::inside_block,
    &output_state::stopping,       &output_state::sources_closed, &output_state::recording_ended,
    &output_state::writes_settled, &output_state::in_trouble,     &output_state::deadline_passed,
};

output_state state_of(std::uint32_t bits) {
  output_state state;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    state.*facts[i] = (bits >> i & 1) != 0;
  }
  return state;
}

/// What the performer relies on.
bool allowed(const output_state& s, output_action action) {
  switch (action) {
    case output_action::create_next:
      return s.slot_free && !s.next_ready && !s.next_pending;
    case output_action::begin_file:
      return !s.file_open && s.next_ready && s.room;
    case output_action::encode_block:
      return s.file_open && s.room && s.block_waiting && !s.file_count_limited;
    case output_action::write_statistics:
    case output_action::describe:
      return s.file_open && s.room;
    case output_action::flush:
      return s.buffer_dirty;
    case output_action::end_file:
      return s.file_open && s.room &&
             (s.next_ready || (s.stopping && s.sources_closed && !s.block_waiting));
    case output_action::leave:
      return s.stopping && !s.file_open && !s.file_wanted;
    case output_action::give_up:
      return s.deadline_passed && s.sources_closed;
    case output_action::finish:
      return s.recording_ended && s.writes_settled && !s.buffer_dirty;
    case output_action::sync:
    case output_action::wait:
      return true;
  }
  return false;
}

}  // namespace

TEST_CASE("no state leads to an action that it forbids") {
  std::uint32_t wrong = 0;
  for (std::uint32_t bits = 0; bits < 1u << facts.size(); ++bits) {
    const output_state state = state_of(bits);
    wrong += allowed(state, decide(state)) ? 0u : 1u;
  }
  CHECK(wrong == 0);
}

TEST_CASE("packets that can be encoded are never left waiting") {
  std::uint32_t idle = 0;
  for (std::uint32_t bits = 0; bits < 1u << facts.size(); ++bits) {
    const output_state s = state_of(bits);
    if (s.block_waiting && s.file_open && s.room && !s.file_count_limited && !s.recording_ended) {
      const output_action action = decide(s);
      idle += action == output_action::wait || action == output_action::sync ? 1u : 0u;
    }
  }
  CHECK(idle == 0);
}

TEST_CASE("a rotation waits for the next file and recording goes on meanwhile") {
  output_state state{.file_open = true,
                     .file_wanted = true,
                     .next_pending = true,
                     .rotation_due = true,
                     .room = true,
                     .block_waiting = true};
  CHECK(decide(state) == output_action::encode_block);
  state.next_pending = false;
  state.next_ready = true;
  CHECK(decide(state) == output_action::end_file);
}

TEST_CASE("no further file is begun while the disk takes nothing, but packets are encoded") {
  const output_state state{.file_open = true,
                           .file_wanted = true,
                           .next_ready = true,
                           .rotation_due = true,
                           .in_trouble = true,
                           .room = true,
                           .block_waiting = true};
  CHECK(decide(state) == output_action::encode_block);
}

TEST_CASE("a file that is full to the packet takes no further one before the switch") {
  output_state state{.file_open = true,
                     .file_wanted = true,
                     .file_count_limited = true,
                     .next_pending = true,
                     .rotation_due = true,
                     .room = true,
                     .block_waiting = true,
                     .inside_block = true};
  CHECK(decide(state) == output_action::wait);
}

TEST_CASE("a stop drains first, then ends the file, then waits for the disk") {
  output_state state{.file_open = true,
                     .file_wanted = true,
                     .next_ready = true,
                     .room = true,
                     .block_waiting = true,
                     .stopping = true,
                     .sources_closed = true};
  CHECK(decide(state) == output_action::encode_block);
  state.block_waiting = false;
  CHECK(decide(state) == output_action::end_file);
  state = {.recording_ended = true};
  CHECK(decide(state) == output_action::wait);
  state.writes_settled = true;
  CHECK(decide(state) == output_action::finish);
}

TEST_CASE("a stop that began before any file could be opened still opens one") {
  const output_state state{.file_wanted = true,
                           .slot_free = true,
                           .room = true,
                           .stopping = true,
                           .sources_closed = true};
  CHECK(decide(state) == output_action::create_next);
}

TEST_CASE("what is new about an interface is said before its packets, also inside a block") {
  output_state state{.file_open = true,
                     .file_wanted = true,
                     .next_ready = true,
                     .description_due = true,
                     .room = true,
                     .block_waiting = true,
                     .inside_block = true};
  CHECK(decide(state) == output_action::describe);
  state.room = false;
  CHECK(decide(state) == output_action::wait);
}

TEST_CASE("without an interface no file is made or begun, and a stop ends at once") {
  output_state state{
      .slot_free = true, .room = true, .sources_closed = true, .writes_settled = true};
  CHECK(decide(state) == output_action::wait);
  state.next_ready = true;
  CHECK(decide(state) == output_action::wait);
  state.stopping = true;
  CHECK(decide(state) == output_action::leave);
}

TEST_CASE("a file in a folder that is left waits for the next one, unless none is coming") {
  output_state state{.file_open = true,
                     .file_wanted = true,
                     .next_pending = true,
                     .room_to_end = true,
                     .relocation_due = true};
  CHECK(decide(state) == output_action::wait);
  state.file_wanted = false;
  state.next_pending = false;
  CHECK(decide(state) == output_action::end_file);
}
