// SPDX-License-Identifier: MIT
#include "format/pcapng_reader.hpp"

#include <algorithm>
#include <utility>

#include "format/pcapng_parse.hpp"

namespace captured::format {
namespace {

constexpr std::size_t section_fixed_bytes = 16;
constexpr std::size_t interface_fixed_bytes = 8;
constexpr std::size_t statistics_fixed_bytes = 12;

/// Heads of blocks lie at distances that no processor foretells, each a wait for memory. What lies
/// some blocks ahead is fetched meanwhile; of large packets only the beginning is looked at.
void prefetch_behind(const std::byte* block, std::size_t bytes) noexcept {
  constexpr std::size_t distance = 1536;
  constexpr std::size_t line = 64;
  const std::size_t lines = std::min<std::size_t>(bytes / line + 1, 5);
  for (std::size_t i = 0; i < lines; ++i) {
    __builtin_prefetch(block + distance + i * line);  // harmless beyond the end
  }
}

}  // namespace

capture_item pcapng_reader::next(reader_state& state) {
  if (!std::exchange(begun_, true)) {
    walker_ = block_walker(state.options.block_bytes_max,
                           state.options.lenient ? block_alignment::any : block_alignment::needed);
    run_ = packet_run(state.options.block_bytes_max);
  }
  if (overrun_) [[unlikely]] {
    return state.fail(state.packet.offset, "the options of the packet run out of its block");
  }
  while (true) {
    if (!skipping_ && next_packet_block(state)) [[likely]] {
      if (const auto item = take_enhanced(state)) [[likely]] {
        return *item;
      }
    }
    if (!next_block(state)) {
      return ended_;
    }
    if (const auto item = take_block(state)) {
      return *item;
    }
  }
}

std::span<const std::byte> pcapng_reader::next_run(reader_state& state, std::uint64_t end,
                                                   packet_totals& totals) {
  const std::uint64_t offset = walker_.offset();
  if (skipping_ || overrun_ || end <= offset) {
    return {};
  }
  const std::span<const std::byte> ahead = state.window.ahead();
  const std::size_t went =
      run_.go(ahead, std::min<std::uint64_t>(end - offset, ahead.size()), totals);
  skip_run(state, went);
  return ahead.first(went);
}

bool pcapng_reader::next_plain(reader_state& state, plain_packet& packet) {
  if (skipping_ || overrun_ || !run_.one(state.window.ahead(), packet)) {
    return false;
  }
  prefetch_behind(packet.record.data(), packet.record.size());
  walker_.step_over(packet.record.size());
  state.window.skip(packet.record.size());
  return true;
}

void pcapng_reader::skip_run(reader_state& state, std::uint64_t octets) {
  walker_.step_over(octets);
  state.window.skip_far(octets);
}

/// The short way to the next block, when it is an enhanced packet as it should be.
bool pcapng_reader::next_packet_block(reader_state& state) noexcept {
  const std::span<const std::byte> ahead = state.window.ahead();
  const std::uint64_t offset = walker_.offset();
  const std::uint32_t total = walker_.step_over_packet(ahead);
  if (total == 0) {
    return false;
  }
  state.block.type = block_type::enhanced_packet;
  state.block.order = byte_order::little;
  state.block.offset = offset;
  state.block.total_bytes = total;
  state.block.body = ahead.subspan(8, total - block_overhead_bytes);
  prefetch_behind(state.block.body.data(), total);
  state.window.skip(total);
  return true;
}

/// The next whole block into state.block; false at the end and for damage.
bool pcapng_reader::next_block(reader_state& state) {
  while (true) {
    const block_walker::step step = walker_.next(state.window.ahead());
    switch (step.what) {
      case block_walker::status::block:
        state.block = step.block;
        prefetch_behind(step.block.body.data(), step.block.total_bytes);
        state.counts.lengths_not_aligned += step.block.total_bytes % 4 != 0 ? 1u : 0u;
        state.window.skip(static_cast<std::size_t>(walker_.offset() - state.window.offset()));
        return true;
      case block_walker::status::damaged:
        ended_ = state.fail(walker_.offset(), describe(step.problem));
        return false;
      case block_walker::status::more_needed:
        if (state.window.require(step.octets_needed)) {
          break;
        }
        if (state.window.ahead().empty() && !state.window.failure().code) {
          ended_ = capture_item::end;
        } else {
          ended_ =
              state.fail_cut(walker_.offset(), "a block of at least " +
                                                   std::to_string(step.octets_needed) + " octets");
        }
        return false;
    }
  }
}

std::optional<capture_item> pcapng_reader::take_block(reader_state& state) {
  const std::uint32_t type = state.block.type;
  if (type == block_type::enhanced_packet && !skipping_) [[likely]] {
    return take_enhanced(state);
  }
  if (type == block_type::section_header) {
    return take_section(state);
  }
  if (skipping_) {
    return std::nullopt;
  }
  switch (type) {
    case block_type::interface_description:
      return take_interface(state);
    case block_type::simple_packet:
      return take_simple(state);
    case block_type::packet:
      return take_obsolete(state);
    case block_type::interface_statistics:
      return take_statistics(state);
    case block_type::name_resolution:
      return give_block(state, capture_item::name_resolution, 4);
    case block_type::decryption_secrets:
      return give_block(state, capture_item::secrets, 8);
    case block_type::custom_copyable:
    case block_type::custom_not_copyable:
      return give_block(state, capture_item::custom, 4);
    default:
      return capture_item::other;
  }
}

/// Strict: the end. Lenient: the block is left out.
std::optional<capture_item> pcapng_reader::damaged(reader_state& state, const char* what) const {
  if (!state.options.lenient) {
    return state.fail(state.block.offset, what);
  }
  ++state.counts.blocks_left_out;
  return std::nullopt;
}

/// Strict: is there an option that does not end within its block?
bool pcapng_reader::options_overrun(const reader_state& state, std::size_t fixed_bytes) const {
  if (state.options.lenient || state.block.body.size() <= fixed_bytes) {
    return false;
  }
  option_cursor cursor(state.block.body.subspan(fixed_bytes), state.block.order);
  option_view each;
  while (cursor.next(each)) {
  }
  return cursor.overrun();
}

std::optional<capture_item> pcapng_reader::take_section(reader_state& state) {
  const block_view& block = state.block;
  const auto major = load<std::uint16_t>(block.body.data() + 4, block.order);
  const auto minor = load<std::uint16_t>(block.body.data() + 6, block.order);
  skipping_ = major != 1 || (minor != 0 && minor != 2);
  if (skipping_) {
    if (!state.options.skip_unknown_versions) {
      return state.fail(block.offset, "version " + std::to_string(major) + "." +
                                          std::to_string(minor) +
                                          " of pcapng is not known; 1.0 was expected");
    }
    ++state.counts.sections_left_out;
    return std::nullopt;
  }
  if (options_overrun(state, section_fixed_bytes)) {
    return state.fail(block.offset, "the options of the section header run out of it");
  }
  auto header = parse_section_header(block, state.counts.options_left_out);
  if (!header) {
    return state.fail(block.offset, header.error().detail);
  }
  state.end_section();
  state.interfaces.clear();
  run_.begin_section(block.order);
  descriptions_bytes_ = 0;
  state.section = {.index = sections_++,
                   .format = capture_format::pcapng,
                   .order = block.order,
                   .major = major,
                   .minor = minor,
                   .header = std::move(*header)};
  state.packet.section = state.section.index;
  state.packet.order = block.order;
  return capture_item::section;
}

std::optional<capture_item> pcapng_reader::take_interface(reader_state& state) {
  constexpr std::size_t interfaces_max = 65536;
  const block_view& block = state.block;
  if (options_overrun(state, interface_fixed_bytes)) {
    return state.fail(block.offset, "the options of the interface description run out of it");
  }
  descriptions_bytes_ += block.total_bytes;
  if (state.interfaces.size() == interfaces_max || descriptions_bytes_ > descriptions_bytes_max) {
    return state.fail(block.offset, "the section describes more interfaces than are plausible");
  }
  auto description = parse_interface_description(block, state.counts.options_left_out);
  if (!description) {
    // It cannot be left out: all later ids would mean another interface.
    return state.fail(block.offset, description.error().detail);
  }
  capture_interface interface;
  interface.scale = tick_scale::make(description->tsresol, description->tsoffset.value_or(0));
  interface.description = std::move(*description);
  run_.add(interface);
  state.interfaces.push_back(std::move(interface));
  return capture_item::interface;
}

std::optional<capture_item> pcapng_reader::take_statistics(reader_state& state) {
  const block_view& block = state.block;
  if (options_overrun(state, statistics_fixed_bytes)) {
    return damaged(state, "the options of the interface statistics run out of their block");
  }
  auto statistics = parse_interface_statistics(block, state.counts.options_left_out);
  if (!statistics) {
    return damaged(state, "the interface statistics block is too short");
  }
  if (statistics->interface_id >= state.interfaces.size()) {
    return state.fail(block.offset, "the statistics are of interface " +
                                        std::to_string(statistics->interface_id) +
                                        ", which is not described");
  }
  state.statistics = std::move(*statistics);
  return capture_item::statistics;
}

std::optional<capture_item> pcapng_reader::give_block(reader_state& state, capture_item item,
                                                      std::size_t fixed_bytes) {
  if (state.block.body.size() < fixed_bytes) {
    return damaged(state, "the block is too short for what its type needs");
  }
  return item;
}

}  // namespace captured::format
