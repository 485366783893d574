// SPDX-License-Identifier: MIT
//
// pcapng_reader: its packets, of three kinds of blocks.
#include <algorithm>

#include "format/pcapng_reader.hpp"

namespace captured::format {
namespace {

constexpr std::size_t packet_fixed_bytes = 20;
constexpr std::size_t simple_fixed_bytes = 4;

}  // namespace

std::optional<capture_item> pcapng_reader::take_enhanced(reader_state& state) {
  const block_view& block = state.block;
  if (block.body.size() < packet_fixed_bytes) {
    return damaged(state, "the enhanced packet block is too short");
  }
  const std::byte* const fields = block.body.data();
  const auto captured = load<std::uint32_t>(fields + 12, block.order);
  const std::size_t room = block.body.size() - packet_fixed_bytes;
  if (captured > room) {
    return damaged(state, "the packet claims more octets than its block holds");
  }
  capture_packet& packet = state.packet;
  packet.origin = packet_origin::enhanced_packet;
  packet.interface_id = load<std::uint32_t>(fields, block.order);
  packet.ticks = load_ticks(fields + 4, block.order);
  packet.data = {fields + packet_fixed_bytes, captured};
  packet.original_length = load<std::uint32_t>(fields + 16, block.order);
  packet.dropcount.reset();
  const std::size_t padded = std::min(base::align_up<std::size_t>(captured, 4), room);
  packet.options = block.body.subspan(packet_fixed_bytes + padded);
  return give_packet(state);
}

std::optional<capture_item> pcapng_reader::take_obsolete(reader_state& state) {
  const block_view& block = state.block;
  if (block.body.size() < packet_fixed_bytes) {
    return damaged(state, "the packet block is too short");
  }
  constexpr std::uint16_t drops_unknown = 0xFFFF;
  const std::byte* const fields = block.body.data();
  const auto captured = load<std::uint32_t>(fields + 12, block.order);
  const std::size_t room = block.body.size() - packet_fixed_bytes;
  if (captured > room) {
    return damaged(state, "the packet claims more octets than its block holds");
  }
  capture_packet& packet = state.packet;
  packet.origin = packet_origin::obsolete_packet;
  packet.interface_id = load<std::uint16_t>(fields, block.order);
  const auto drops = load<std::uint16_t>(fields + 2, block.order);
  packet.dropcount.reset();
  if (drops != drops_unknown) {
    packet.dropcount = drops;
  }
  packet.ticks = load_ticks(fields + 4, block.order);
  packet.data = {fields + packet_fixed_bytes, captured};
  packet.original_length = load<std::uint32_t>(fields + 16, block.order);
  const std::size_t padded = std::min(base::align_up<std::size_t>(captured, 4), room);
  packet.options = block.body.subspan(packet_fixed_bytes + padded);
  return give_packet(state);
}

std::optional<capture_item> pcapng_reader::take_simple(reader_state& state) {
  const block_view& block = state.block;
  if (block.body.size() < simple_fixed_bytes) {
    return damaged(state, "the simple packet block is too short");
  }
  if (state.interfaces.empty()) {
    return state.fail(block.offset, "the packet is of interface 0, which is not described");
  }
  const auto original = load<std::uint32_t>(block.body.data(), block.order);
  const std::uint32_t snaplen = state.interfaces.front().description.snaplen;
  const auto room = block.body.subspan(simple_fixed_bytes);
  const std::uint32_t cut = snaplen == 0 ? original : std::min(original, snaplen);
  capture_packet& packet = state.packet;
  packet.origin = packet_origin::simple_packet;
  packet.interface_id = 0;
  packet.ticks = 0;
  packet.data = room.first(std::min<std::size_t>(cut, room.size()));
  packet.original_length = original;
  packet.dropcount.reset();
  packet.options = {};
  return give_packet(state);
}

/// What the three packet blocks have in common.
std::optional<capture_item> pcapng_reader::give_packet(reader_state& state) {
  capture_packet& packet = state.packet;
  const block_view& block = state.block;
  if (packet.interface_id >= state.interfaces.size()) {
    return state.fail(block.offset, "the packet is of interface " +
                                        std::to_string(packet.interface_id) +
                                        ", which is not described");
  }
  const capture_interface& interface = state.interfaces[packet.interface_id];
  packet.offset = block.offset;
  packet.record = {block.body.data() - 8, block.total_bytes};
  packet.link = interface.description.link;
  packet.has_time = packet.origin != packet_origin::simple_packet;
  if (!interface.scale) {
    return damaged(state, "the time resolution of the packet's interface is not possible");
  }
  packet.time = packet.has_time ? interface.scale->to_ns(packet.ticks) : time_ns{0};
  packet.time_is_cut = packet.has_time && !interface.scale->is_exact(packet.ticks);
  const auto captured = static_cast<std::uint32_t>(packet.data.size());
  if (captured > packet.original_length) {
    packet.original_length = captured;
    ++state.counts.originals_raised;
  }
  const std::uint32_t snaplen = interface.description.snaplen;
  state.counts.beyond_snaplen += snaplen != 0 && captured > snaplen ? 1u : 0u;
  packet.packet_flags = 0;
  packet.has_flags = false;
  packet.options_seen = 0;
  if (!packet.options.empty()) {
    take_options(state);
  }
  return capture_item::packet;
}

/// The two options that other formats and the ledger need; the rest is decoded when asked for.
void pcapng_reader::take_options(reader_state& state) {
  capture_packet& packet = state.packet;
  option_cursor cursor(packet.options, packet.order);
  option_view each;
  while (cursor.next(each)) {
    if (each.code == option::epb_flags) {
      if (each.value.size() == 4 && !packet.has_flags) {
        packet.packet_flags = load<std::uint32_t>(each.value.data(), packet.order);
        packet.has_flags = true;
      } else {
        ++state.counts.options_left_out;
      }
    } else if (each.code == option::epb_dropcount &&
               packet.origin == packet_origin::enhanced_packet) {
      if (each.value.size() == 8 && !packet.dropcount) {
        packet.dropcount = load<std::uint64_t>(each.value.data(), packet.order);
      } else {
        ++state.counts.options_left_out;
      }
    } else if (each.code == option::comment) {
      packet.options_seen |= option_bits::comment;
    } else if (each.code == option::custom_text_not_copyable ||
               each.code == option::custom_binary_not_copyable) {
      packet.options_seen |= option_bits::not_copyable;
    } else {
      packet.options_seen |= option_bits::other;
    }
  }
  if (cursor.damaged()) {
    ++state.counts.options_left_out;
    packet.options_seen |= option_bits::damaged;
  }
  overrun_ = cursor.overrun() && !state.options.lenient;
}

}  // namespace captured::format
