// SPDX-License-Identifier: MIT
#include "format/snoop_reader.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace captured::format {
namespace {

using base::load_big;

constexpr std::size_t file_header_bytes = 16;
constexpr std::size_t record_header_bytes = 24;
constexpr std::uint32_t captured_max = 262144;
/// Some writers pad by 16 octets and more; that much is no padding any longer.
constexpr std::uint32_t padding_max = 65536;

struct data_link {
  std::uint32_t number;
  std::string_view name;
  std::optional<packet::link_type> link;
};

constexpr std::array<data_link, 14> data_links{{
    {0, "IEEE 802.3", packet::link_type::ethernet},
    {1, "802.4 Token Bus", std::nullopt},
    {2, "802.5 Token Ring", packet::link_type::token_ring},
    {3, "802.6 Metro Net", std::nullopt},
    {4, "Ethernet", packet::link_type::ethernet},
    {5, "HDLC", packet::link_type::c_hdlc},
    {6, "Character Synchronous", std::nullopt},
    {7, "IBM Channel-to-Channel", std::nullopt},
    {8, "FDDI", packet::link_type::fddi},
    {9, "Other", std::nullopt},
    {16, "Fibre Channel", std::nullopt},
    {17, "ATM", std::nullopt},
    {18, "ATM Classical IP", std::nullopt},
    {26, "IP over InfiniBand", std::nullopt},
}};

}  // namespace

capture_item snoop_reader::next(reader_state& state) {
  switch (place_) {
    case place::records:
      return read_record(state);
    case place::file_header:
      return read_file_header(state);
    case place::interface:
      break;
  }
  capture_interface interface;
  interface.description.link = link_;
  interface.description.snaplen = 0;
  interface.description.tsresol = 6;
  interface.scale = tick_scale::make(6, 0);
  state.interfaces.push_back(std::move(interface));
  state.packet.link = link_;
  state.packet.order = byte_order::big;
  state.packet.origin = packet_origin::snoop_record;
  place_ = place::records;
  return capture_item::interface;
}

capture_item snoop_reader::read_file_header(reader_state& state) {
  if (!state.window.require(file_header_bytes)) {
    return state.fail_cut(0, "a file header of " + std::to_string(file_header_bytes) + " octets");
  }
  constexpr std::uint64_t magic = 0x736E6F6F70000000;
  const std::byte* const header = state.window.ahead().data();
  if (load_big<std::uint64_t>(header) != magic) {
    return state.fail(0, "the magic number of snoop was expected, \"snoop\" and three zeros");
  }
  const auto version = load_big<std::uint32_t>(header + 8);
  if (version != 2) {
    return state.fail(8, "version 2 of snoop was expected, not " + std::to_string(version));
  }
  const auto number = load_big<std::uint32_t>(header + 12);
  const auto found = std::find_if(data_links.begin(), data_links.end(),
                                  [&](const data_link& each) { return each.number == number; });
  if (found == data_links.end() || !found->link) {
    const std::string name =
        found == data_links.end() ? "reserved" : "\"" + std::string(found->name) + "\"";
    return state.fail(12, "data link " + std::to_string(number) + " of snoop, " + name +
                              ", has no link type here");
  }
  link_ = *found->link;
  state.window.skip(file_header_bytes);
  state.section = {.index = 0,
                   .format = capture_format::snoop,
                   .order = byte_order::big,
                   .major = static_cast<std::uint16_t>(version),
                   .minor = 0,
                   .header = {},
                   .link_field = number};
  place_ = place::interface;
  return capture_item::section;
}

capture_item snoop_reader::read_record(reader_state& state) {
  octet_window& window = state.window;
  if (!window.require(record_header_bytes)) {
    if (window.ahead().empty() && !window.failure().code) {
      return capture_item::end;
    }
    return state.fail_cut(window.offset(), "a record header of 24 octets");
  }
  const std::byte* const header = window.ahead().data();
  const auto original = load_big<std::uint32_t>(header);
  const auto captured = load_big<std::uint32_t>(header + 4);
  const auto total = load_big<std::uint32_t>(header + 8);
  if (captured > captured_max) {
    return state.fail(window.offset(), "the record claims " + std::to_string(captured) +
                                           " octets, which is not plausible");
  }
  const std::uint32_t least = static_cast<std::uint32_t>(record_header_bytes) + captured;
  if (total < least || total - least > padding_max) {
    return state.fail(window.offset(), "the record claims a length of " + std::to_string(total) +
                                           ", at least " + std::to_string(least) +
                                           " and not much more was expected");
  }
  if (!window.require(total)) {
    return state.fail_cut(window.offset(), "a record of " + std::to_string(total) + " octets");
  }
  take_record(state, original, captured, total);
  return capture_item::packet;
}

void snoop_reader::take_record(reader_state& state, std::uint32_t original, std::uint32_t captured,
                               std::uint32_t total) {
  constexpr std::uint32_t microseconds_per_second = 1'000'000;
  const std::byte* const record = state.window.ahead().data();
  const auto drops = load_big<std::uint32_t>(record + 12);
  const auto seconds = load_big<std::uint32_t>(record + 16);
  const auto fraction = load_big<std::uint32_t>(record + 20);
  capture_packet& packet = state.packet;
  packet.offset = state.window.offset();
  packet.record = {record, total};
  packet.data = {record + record_header_bytes, captured};
  packet.original_length = std::max(original, captured);
  packet.time = static_cast<time_ns>(std::uint64_t{seconds} * nanoseconds_per_second +
                                     std::uint64_t{fraction} * 1000);
  packet.dropcount.reset();
  if (drops > drops_) {
    packet.dropcount = drops - drops_;
  }
  drops_ = drops;
  state.counts.originals_raised += captured > original ? 1u : 0u;
  state.counts.fractions_carried += fraction >= microseconds_per_second ? 1u : 0u;
  state.window.skip(total);
}

}  // namespace captured::format
