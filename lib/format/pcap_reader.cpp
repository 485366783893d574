// SPDX-License-Identifier: MIT
#include "format/pcap_reader.hpp"

#include <algorithm>
#include <utility>

#include "format/pcap_codes.hpp"

namespace captured::format {

std::uint32_t captured_length_max(packet::link_type link) noexcept {
  switch (static_cast<unsigned>(link)) {
    case 231:  // D-Bus
      return 128u << 20;
    case 279:  // Elektrobit high speed capture
      return 8u << 20;
    case 249:  // USBPcap
      return 1u << 20;
    default:
      return 262144;
  }
}

pcap_reader::pcap_reader(capture_format format) noexcept
    : format_(format),
      units_per_second_(format == capture_format::pcap_ns || format == capture_format::ixia_ns
                            ? 1'000'000'000
                            : 1'000'000),
      header_bytes_(
          pcap_file_header_bytes +
          (format == capture_format::ixia_us || format == capture_format::ixia_ns ? 4u : 0u)),
      record_bytes_(pcap_record_header_bytes +
                    (format == capture_format::pcap_modified ? 8u : 0u)) {}

capture_item pcap_reader::next(reader_state& state) {
  switch (place_) {
    case place::records:
      return read_record(state);
    case place::file_header:
      return read_file_header(state);
    case place::interface:
      break;
  }
  return give_interface(state);
}

bool pcap_reader::take_version(std::uint16_t major, std::uint16_t minor) noexcept {
  constexpr std::uint16_t dg_ux_major = 543;  // with minor 0; old files of DG/UX tcpdump
  if (major == dg_ux_major && minor == 0) {
    lengths_ = length_order::original_first;
    return true;
  }
  if (minor < 3) {
    lengths_ = length_order::original_first;
  } else if (minor == 3) {
    lengths_ = length_order::by_size;
  }
  return major == 2 && minor <= 4;
}

capture_item pcap_reader::read_file_header(reader_state& state) {
  if (!state.window.require(header_bytes_)) {
    return state.fail_cut(0, "a file header of " + std::to_string(header_bytes_) + " octets");
  }
  const std::byte* const header = state.window.ahead().data();
  // All magic numbers with a large first octet in big-endian files begin with a1 or 1c.
  const auto first = std::to_integer<unsigned>(header[0]);
  order_ = first == 0xA1 || first == 0x1C ? byte_order::big : byte_order::little;
  const auto major = load<std::uint16_t>(header + 4, order_);
  const auto minor = load<std::uint16_t>(header + 6, order_);
  if (!take_version(major, minor)) {
    return state.fail(4, "version 2.0 to 2.4 of pcap was expected, not " + std::to_string(major) +
                             "." + std::to_string(minor));
  }
  snaplen_ = load<std::uint32_t>(header + 16, order_);
  link_field_ = load<std::uint32_t>(header + 20, order_);
  if ((link_field_ & pcap_link_reserved_mask) != 0) {
    if (!state.options.lenient) {
      return state.fail(20, "reserved bits of the link-type field are set");
    }
    ++state.counts.reserved_bits_set;
  }
  captured_max_ = captured_length_max(
      packet::link_type{static_cast<std::uint16_t>(link_field_ & pcap_link_type_mask)});
  state.window.skip(header_bytes_);
  state.section = {.index = 0,
                   .format = format_,
                   .order = order_,
                   .major = major,
                   .minor = minor,
                   .header = {},
                   .link_field = link_field_};
  place_ = place::interface;
  return capture_item::section;
}

capture_item pcap_reader::give_interface(reader_state& state) {
  capture_interface interface;
  interface.description.link =
      packet::link_type{static_cast<std::uint16_t>(link_field_ & pcap_link_type_mask)};
  interface.description.snaplen = snaplen_;
  interface.description.tsresol = units_per_second_ == 1'000'000 ? 6 : 9;
  interface.scale = tick_scale::make(interface.description.tsresol, 0);
  if ((link_field_ & pcap_fcs_present) != 0) {
    constexpr unsigned unit_bits = 16;
    interface.description.fcs_bits =
        static_cast<std::uint8_t>((link_field_ >> pcap_fcs_shift) * unit_bits);
  }
  state.interfaces.push_back(std::move(interface));
  state.packet.link = state.interfaces.front().description.link;
  state.packet.order = order_;
  state.packet.origin = format_ == capture_format::pcap_modified
                            ? packet_origin::modified_pcap_record
                            : packet_origin::pcap_record;
  place_ = place::records;
  return capture_item::interface;
}

capture_item pcap_reader::read_record(reader_state& state) {
  octet_window& window = state.window;
  if (!window.require(record_bytes_)) {
    if (window.ahead().empty() && !window.failure().code) {
      return capture_item::end;
    }
    return state.fail_cut(window.offset(),
                          "a record header of " + std::to_string(record_bytes_) + " octets");
  }
  const std::byte* const header = window.ahead().data();
  auto captured = load<std::uint32_t>(header + 8, order_);
  auto original = load<std::uint32_t>(header + 12, order_);
  if (lengths_ == length_order::original_first ||
      (lengths_ == length_order::by_size && captured > original)) {
    std::swap(captured, original);
  }
  if (captured > captured_max_) {
    return state.fail(window.offset(), "the record claims " + std::to_string(captured) +
                                           " octets, which is not plausible: at most " +
                                           std::to_string(captured_max_) + " were expected");
  }
  const std::size_t total = record_bytes_ + captured;
  if (!window.require(total)) {
    return state.fail_cut(window.offset(), "a record of " + std::to_string(total) + " octets");
  }
  take_record(state, window.ahead().data(), captured, original);
  window.skip(total);
  return capture_item::packet;
}

void pcap_reader::take_record(reader_state& state, const std::byte* record, std::uint32_t captured,
                              std::uint32_t original) const {
  const auto seconds = load<std::uint32_t>(record, order_);
  const auto fraction = load<std::uint32_t>(record + 4, order_);
  capture_packet& packet = state.packet;
  packet.offset = state.window.offset();
  packet.record = {record, record_bytes_ + captured};
  packet.data = {record + record_bytes_, captured};
  packet.original_length = std::max(original, captured);
  packet.time = static_cast<time_ns>(std::uint64_t{seconds} * nanoseconds_per_second) +
                std::uint64_t{fraction} * (nanoseconds_per_second / units_per_second_);
  state.counts.originals_raised += captured > original ? 1u : 0u;
  state.counts.fractions_carried += fraction >= units_per_second_ ? 1u : 0u;
  state.counts.beyond_snaplen += snaplen_ != 0 && captured > snaplen_ ? 1u : 0u;
  if (packet.origin == packet_origin::modified_pcap_record) {
    packet.modified = {.interface_index = load<std::uint32_t>(record + 16, order_),
                       .protocol = load<std::uint16_t>(record + 20, order_),
                       .packet_type = std::to_integer<std::uint8_t>(record[22])};
  }
}

}  // namespace captured::format
