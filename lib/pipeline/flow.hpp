// SPDX-License-Identifier: MIT
//
// What does an output do next? A plain function from what is known to one action; no clock, file,
// socket or log. output_recorder performs the action and asks again until there is nothing to do.
#pragma once

#include <cstdint>

namespace captured::pipeline {

/// All that the decision needs. Each member is a fact of this moment.
struct output_state {
  bool file_open = false;           ///< a current file takes packets
  bool file_wanted = false;         ///< there is an interface to be recorded
  bool file_count_limited = false;  ///< the current file holds as many packets as it may
  bool next_ready = false;          ///< the next file is created and waits
  bool next_pending = false;        ///< its creation was asked for
  bool slot_free = false;           ///< another file may be opened
  bool rotation_due = false;        ///< a limit, the interval or a command wants a new file
  bool in_trouble = false;          ///< an act of the disk has failed and is being tried again
  bool statistics_due = false;
  bool description_due = false;  ///< an interface came, changed, left, or has a note
  bool flush_due = false;        ///< the oldest unsubmitted octet has waited long enough
  bool sync_due = false;
  bool buffer_dirty = false;    ///< octets wait for more company before they are written
  bool room = false;            ///< a buffer has room, or a free one can be had
  bool room_to_end = false;     ///< so, or one that is kept for the end of a file that is left
  bool place_ready = true;      ///< there is a folder to make files in
  bool relocation_due = false;  ///< the current file lies in another one
  bool file_given_up = false;   ///< the current file can never be whole
  bool block_waiting = false;   ///< packets can be encoded
  bool inside_block = false;    ///< a block is encoded in part
  bool stopping = false;
  bool sources_closed = false;   ///< no ring will offer another block
  bool recording_ended = false;  ///< the last file was ended
  bool writes_settled = false;   ///< no act is in flight or waiting to be tried again
  bool deadline_passed = false;  ///< the stop may take no longer
};

enum class output_action : std::uint8_t {
  wait,              ///< until an event or a deadline
  create_next,       ///< have the next file made
  begin_file,        ///< the next file becomes the current one
  encode_block,      ///< encode packets until the block, the room or the file's limit ends
  write_statistics,  ///< one statistics block for each interface
  describe,          ///< say in the file what is new about an interface
  flush,             ///< submit what was encoded
  sync,              ///< force what was written to the device
  end_file,          ///< closing statistics and end block; the file closes once it is written
  leave,             ///< the recording ends without an open file
  give_up,           ///< count what is not written as unwritten and stop
  finish,            ///< nothing is left to do: the output has ended
};

/// Never returns an action whose performance the state forbids: begin_file needs a next file,
/// encode_block a current file and room. Every state in which the output can go on by itself gives
/// an action other than `wait`.
[[nodiscard]] output_action decide(const output_state& state) noexcept;

}  // namespace captured::pipeline
