// SPDX-License-Identifier: MIT
#include "format/packet_options.hpp"

#include <algorithm>

namespace captured::format {
namespace {

std::string as_text(std::span<const std::byte> value) {
  const auto end = std::find(value.begin(), value.end(), std::byte{0});
  return {reinterpret_cast<const char*>(value.data()),
          static_cast<std::size_t>(end - value.begin())};
}

template <class T>
void take_once(std::optional<T>& member, const option_view& found, byte_order order) {
  if (found.value.size() == sizeof(T) && !member) {
    member = load<T>(found.value.data(), order);
  }
}

void take_kind(std::vector<kind_and_octets>& members, const option_view& found) {
  if (!found.value.empty()) {
    members.push_back({.kind = std::to_integer<std::uint8_t>(found.value[0]),
                       .octets = {found.value.begin() + 1, found.value.end()}});
  }
}

/// False for options that only enhanced packet blocks know.
bool take_common(packet_options& to, const option_view& found, byte_order order) {
  switch (found.code) {
    case option::comment:
      to.comments.push_back(as_text(found.value));
      return true;
    case option::epb_flags:
      take_once(to.flags, found, order);
      return true;
    case option::epb_hash:
      take_kind(to.hashes, found);
      return true;
    case option::custom_text_copyable:
    case option::custom_binary_copyable:
    case option::custom_text_not_copyable:
    case option::custom_binary_not_copyable:
      if (found.value.size() >= 4) {
        to.custom.push_back({.code = found.code,
                             .pen = load<std::uint32_t>(found.value.data(), order),
                             .value = {found.value.begin() + 4, found.value.end()}});
      }
      return true;
    default:
      return false;
  }
}

bool take_enhanced(packet_options& to, const option_view& found, byte_order order) {
  switch (found.code) {
    case option::epb_dropcount:
      take_once(to.dropcount, found, order);
      return true;
    case option::epb_packetid:
      take_once(to.packet_id, found, order);
      return true;
    case option::epb_queue:
      take_once(to.queue, found, order);
      return true;
    case option::epb_verdict:
      take_kind(to.verdicts, found);
      return true;
    case option::epb_process_thread:
      if (found.value.size() == 8 && !to.process_id) {
        to.process_id = load<std::uint32_t>(found.value.data(), order);
        to.thread_id = load<std::uint32_t>(found.value.data() + 4, order);
      }
      return true;
    default:
      return false;
  }
}

}  // namespace

packet_options options_of(const capture_packet& packet) {
  packet_options to;
  const bool enhanced = packet.origin == packet_origin::enhanced_packet;
  option_cursor cursor(packet.options, packet.order);
  option_view found;
  while (cursor.next(found)) {
    if (!take_common(to, found, packet.order) &&
        !(enhanced && take_enhanced(to, found, packet.order))) {
      to.unknown.push_back({.code = found.code, .value = {found.value.begin(), found.value.end()}});
    }
  }
  return to;
}

std::vector<name_record> names_of(const capture_block& block) {
  constexpr std::array<std::size_t, 5> address_bytes{0, 4, 16, 6, 8};
  std::vector<name_record> records;
  // Records have the shape of options, and end like them.
  option_cursor cursor(block.body, block.order);
  option_view found;
  while (cursor.next(found)) {
    if (found.code >= address_bytes.size() || found.value.size() < address_bytes[found.code]) {
      continue;
    }
    const auto address = found.value.first(address_bytes[found.code]);
    name_record record{
        .type = found.code, .address = {address.begin(), address.end()}, .names = {}};
    auto rest = found.value.subspan(address.size());
    while (!rest.empty()) {
      const std::string name = as_text(rest);
      rest = rest.subspan(std::min(rest.size(), name.size() + 1));
      record.names.push_back(name);
    }
    records.push_back(std::move(record));
  }
  return records;
}

std::optional<secrets_view> secrets_of(const capture_block& block) noexcept {
  constexpr std::size_t fixed_bytes = 8;
  if (block.body.size() < fixed_bytes) {
    return std::nullopt;
  }
  const auto length = load<std::uint32_t>(block.body.data() + 4, block.order);
  const auto room = block.body.subspan(fixed_bytes);
  if (length > room.size()) {
    return std::nullopt;
  }
  return secrets_view{.type = load<std::uint32_t>(block.body.data(), block.order),
                      .data = room.first(length)};
}

}  // namespace captured::format
