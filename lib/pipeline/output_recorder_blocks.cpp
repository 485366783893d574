// SPDX-License-Identifier: MIT
//
// How the recorder takes blocks and gets their packets into the file, in place or compact.
#include <algorithm>
#include <limits>
#include <utility>

#include "pipeline/in_place_encoder.hpp"
#include "pipeline/limits.hpp"
#include "pipeline/output_recorder.hpp"

namespace captured::pipeline {

namespace {

/// The file says which, when there are several.
std::uint32_t told_queue(const port& from, std::uint32_t queue) noexcept {
  return from.feed().source().queue_count() > 1 ? queue : format::no_queue;
}

}  // namespace

void output_recorder::take_block() {
  if (auto next = ports_.take_block()) {
    block_ = block_in_work(std::move(next->block));
    block_port_ = next->port;
    if (block_.losses() > 0) {
      ports_[block_port_].loss_unsaid = true;
    }
  }
}

/// Packets of the block in work that the file may take now; 0 ends the encoding for the moment.
std::uint64_t output_recorder::packets_allowed() {
  const std::uint64_t allowed = storage::packets_left(options_.files.rotate, stream_.progress())
                                    .value_or(std::numeric_limits<std::uint64_t>::max());
  const port& from = ports_[block_port_];
  if (from.changes.empty()) {
    return allowed;
  }
  const std::uint32_t before = block_.packets_until(from.changes.front().after_ns);
  if (before == 0) {
    ports_.change_reached(block_port_);
  }
  return std::min<std::uint64_t>(allowed, before);
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
  if (block_.untouched() && encode_in_place()) {
    return;
  }
  port& from = ports_[block_port_];
  while (stream_.reserve(std::max<std::size_t>(packet_needs_, 1))) {
    const std::uint64_t packets_max = packets_allowed();
    const std::uint64_t losses = block_.losses();
    const encode_progress done = encode(from, packets_max);
    stream_.commit(done, block_port_, now.steady);
    from.encoded += done.packets;
    from.losses_reported += losses - block_.losses();
    from.ledger().steps_back.add(done.steps_back);
    packet_needs_ = done.needed;
    if (done.block_ended) {
      from.ledger().damaged.add(block_.damaged() ? block_.remaining() : 0);
      if (from.is_ring_kept() && stream_.hold(block_.take(), block_port_)) {
        ++from.blocks_lent;
      }
      block_ = {};
      return;
    }
    if (done.needed == 0) {
      return;  // the file holds as many packets as it may, or a change was reached
    }
  }
}

/// Into the room that was reserved.
encode_progress output_recorder::encode(port& from, std::uint64_t packets_max) {
  const port_description& what = from.description();
  const std::uint32_t queue = block_.block().queue();
  if (records_) {
    return records_->encode(block_, stream_.free_space(),
                            {.number = block_port_,
                             .name = from.name(),
                             .kernel_index = what.kernel_index,
                             .snaplen = what.snaplen},
                            packets_max, from.newest_ns[queue], stream_.aside());
  }
  return block_.encode(stream_.free_space(),
                       {from.interface_id, what.snaplen, told_queue(from, queue)}, packets_max,
                       from.newest_ns[queue]);
}

/// False when the block is not one for it, or too many are on their way to the disk already.
bool output_recorder::encode_in_place() {
  port& from = ports_[block_port_];
  const bool wanted = options_.encoding != encoding::compact && !records_ && from.changes.empty() &&
                      !from.is_ring_kept() && stream_.has_room_for_block();
  const in_place_limits allowed{
      .average_packet_min =
          options_.encoding == encoding::automatic ? limits::in_place_packet_bytes : 0,
      .packets_max = storage::packets_left(options_.files.rotate, stream_.progress())
                         .value_or(std::numeric_limits<std::uint64_t>::max())};
  if (!wanted || !fits_in_place(block_.block().memory(), block_.block().form(), allowed)) {
    return false;
  }
  const std::uint32_t queue = block_.block().queue();
  const in_place_target target{.interface_id = from.interface_id,
                               .snaplen = from.description().snaplen,
                               .queue = told_queue(from, queue),
                               .losses = block_.losses()};
  capture::block_lease block = block_.take();
  const in_place_progress done =
      pipeline::encode_in_place(block.memory(), target, from.newest_ns[queue]);
  from.encoded += done.packets;
  from.losses_reported += target.losses - done.losses_left;
  from.ledger().steps_back.add(done.steps_back);
  from.ledger().damaged.add(done.damaged);
  if (done.packets > 0) {
    ++from.blocks_lent;
    stream_.submit_block(std::move(block), done, block_port_);
  }
  return true;
}

void output_recorder::on_written(const chunk& piece) {
  ports_.count_stored(piece.runs);
  count_back(piece);
}

void output_recorder::count_back(const chunk& piece) {
  if (piece.block) {
    --ports_[piece.runs.front().port].blocks_lent;
  }
  for (const held_block& one : piece.held) {
    --ports_[one.port].blocks_lent;
  }
}

}  // namespace captured::pipeline
