// SPDX-License-Identifier: MIT
#include "format/packet_run.hpp"

#include <algorithm>
#include <limits>

namespace captured::format {
namespace {

constexpr std::size_t head_bytes = 28;  // type, length and the packet's fixed fields
constexpr std::size_t packet_bytes_min = head_bytes + 4;

std::uint32_t number_at(const std::byte* at) noexcept {
  return base::load_little<std::uint32_t>(at);
}

/// epb_flags of its length, and the end of options.
bool are_flags_alone(const std::byte* options) noexcept {
  constexpr std::uint32_t flags_head = std::uint32_t{4} << 16 | option::epb_flags;
  return number_at(options) == flags_head && number_at(options + 8) == 0;
}

}  // namespace

void packet_totals::add(const packet_totals& later) {
  if (later.packets == 0) {
    return;
  }
  if (packets == 0) {
    first = later.first;
    earliest = later.earliest;
    latest = later.latest;
  } else {
    steps_back += later.first < last ? 1u : 0u;
    earliest = std::min(earliest, later.earliest);
    latest = std::max(latest, later.latest);
  }
  last = later.last;
  packets += later.packets;
  octets += later.octets;
  original_octets += later.original_octets;
  steps_back += later.steps_back;
  interfaces.resize(std::max(interfaces.size(), later.interfaces.size()));
  for (std::size_t id = 0; id < later.interfaces.size(); ++id) {
    interfaces[id].packets += later.interfaces[id].packets;
    interfaces[id].octets += later.interfaces[id].octets;
  }
}

packet_run::packet_run(std::uint32_t bytes_max) noexcept
    : bytes_max_(std::min(bytes_max, block_bytes_max)) {}

void packet_run::begin_section(byte_order order) {
  little_ = order == byte_order::little;
  interfaces_.clear();
}

void packet_run::add(const capture_interface& interface) {
  const std::uint32_t snaplen = interface.description.snaplen;
  interfaces_.push_back(
      {.scale = interface.scale.value_or(tick_scale{}),
       .captured_max = snaplen == 0 ? std::numeric_limits<std::uint32_t>::max() : snaplen,
       .usable = interface.scale.has_value()});
}

/// One plain block, and its length; 0 when it is none.
std::uint32_t packet_run::look(const std::byte* block, std::size_t room,
                               plain_packet& packet) const noexcept {
  constexpr std::size_t flags_bytes = 12;
  const std::uint32_t total = number_at(block + 4);
  if (number_at(block) != block_type::enhanced_packet || total < packet_bytes_min ||
      total % 4 != 0 || total > bytes_max_ || total > room ||
      number_at(block + total - 4) != total) {
    return 0;
  }
  packet.interface_id = number_at(block + 8);
  packet.captured = number_at(block + 20);
  packet.original = number_at(block + 24);
  if (packet.interface_id >= interfaces_.size() || packet.captured > total - packet_bytes_min ||
      packet.captured > packet.original) {
    return 0;
  }
  const interface_limits& interface = interfaces_[packet.interface_id];
  const std::size_t options = total - packet_bytes_min - base::align_up(packet.captured, 4U);
  if (!interface.usable || packet.captured > interface.captured_max ||
      (options != 0 &&
       (options != flags_bytes || !are_flags_alone(block + total - 4 - flags_bytes)))) {
    return 0;
  }
  packet.time = interface.scale.to_ns(load_ticks(block + 12, byte_order::little));
  return total;
}

bool packet_run::may_look(std::span<const std::byte> octets) const noexcept {
  return little_ && interfaces_.size() <= interfaces_max && octets.size() >= packet_bytes_min;
}

bool packet_run::one(std::span<const std::byte> octets, plain_packet& packet) const noexcept {
  const std::uint32_t total = may_look(octets) ? look(octets.data(), octets.size(), packet) : 0;
  packet.record = octets.first(total);
  return total != 0;
}

std::size_t packet_run::go(std::span<const std::byte> octets, std::size_t end,
                           packet_totals& totals) const {
  if (!may_look(octets)) {
    return 0;
  }
  end = std::min(end, octets.size() - packet_bytes_min + 1);
  plain_packet packet;
  std::uint32_t total = end == 0 ? 0 : look(octets.data(), octets.size(), packet);
  if (total == 0) {
    return 0;  // the usual case in files that are not plain: it must cost nothing
  }
  packet_totals run;
  run.interfaces.resize(interfaces_.size());
  run.first = run.last = run.earliest = run.latest = packet.time;
  std::size_t at = 0;
  while (true) {
    run.steps_back += packet.time < run.last ? 1u : 0u;
    run.last = packet.time;
    run.earliest = std::min(run.earliest, packet.time);
    run.latest = std::max(run.latest, packet.time);
    ++run.packets;
    run.octets += packet.captured;
    run.original_octets += packet.original;
    ++run.interfaces[packet.interface_id].packets;
    run.interfaces[packet.interface_id].octets += packet.captured;
    at += total;
    total = at < end ? look(octets.data() + at, octets.size() - at, packet) : 0;
    if (total == 0) {
      break;
    }
  }
  totals.add(run);
  return at;
}

std::optional<std::size_t> packet_run::guess(std::span<const std::byte> octets) const {
  constexpr std::uint64_t enough = 4;  // of packets one behind the other
  constexpr std::size_t far = std::size_t{64} << 10;
  for (std::size_t at = 0; at + packet_bytes_min <= octets.size(); at += 4) {
    if (number_at(octets.data() + at) != block_type::enhanced_packet) {
      continue;
    }
    packet_totals seen;
    const std::size_t went = go(octets.subspan(at), far, seen);
    if (seen.packets >= enough || at + went == octets.size()) {
      return at;
    }
  }
  return std::nullopt;
}

}  // namespace captured::format
