// SPDX-License-Identifier: MIT
#include "format/capture_writer.hpp"

#include <array>

#include "format/count_meaning.hpp"

namespace captured::format {

std::span<const count_meaning<write_counts>> meanings_of(const write_counts& /*counts*/) {
  using counts = write_counts;
  static constexpr std::array<count_meaning<counts>, 27> meanings{{
      {&counts::packets, "packets", nullptr},
      {&counts::packets_left_out, "packets_left_out", "packets of another link type were left out"},
      {&counts::packets_cut, "packets_cut", "packets were cut, being too long for the format"},
      {&counts::original_lengths, "original_lengths", "packets lost their original length"},
      {&counts::times_out_of_range, "times_out_of_range",
       "times are out of the format's range and became 0"},
      {&counts::times_cut, "times_cut", "times lost their fraction of a microsecond"},
      {&counts::times_rounded, "times_rounded", "times lost their fraction of a nanosecond"},
      {&counts::times_wrapped, "times_wrapped",
       "times are there modulo 4.29 s only, without a sidecar"},
      {&counts::times_missing, "times_missing", "packets without a time got the time 0"},
      {&counts::comments, "comments", "comments (of packets, interfaces, sections) are gone"},
      {&counts::flags, "flags", "packets lost their direction and kind of reception"},
      {&counts::dropcounts, "dropcounts",
       "packets no longer tell how many were dropped before them"},
      {&counts::packet_options, "packet_options", "packets lost other options"},
      {&counts::modified_fields, "modified_fields",
       "packets lost the interface number and protocol of modified pcap"},
      {&counts::interfaces_merged, "interfaces_merged",
       "interfaces can no longer be told apart from the first"},
      {&counts::interface_names, "interface_names", "interfaces lost their name"},
      {&counts::interface_descriptions, "interface_descriptions",
       "interfaces lost their description"},
      {&counts::interface_filters, "interface_filters", "interfaces lost their filter"},
      {&counts::interface_details, "interface_details",
       "interfaces lost other options (hardware, system, addresses, speed, ...)"},
      {&counts::section_details, "section_details",
       "sections lost options (hardware, system, application, ...)"},
      {&counts::statistics, "statistics", "statistics blocks are gone"},
      {&counts::name_resolution, "name_resolution", "name resolution blocks are gone"},
      {&counts::secrets, "secrets", "blocks of decryption secrets are gone"},
      {&counts::custom, "custom", "custom blocks are gone"},
      {&counts::blocks, "blocks", "blocks of unknown types are gone"},
      {&counts::options, "options", "unknown options in another byte order are gone"},
      {&counts::not_copyable, "not_copyable",
       "custom blocks and options that must not be copied are gone"},
  }};
  static_assert(sizeof(counts) == meanings.size() * sizeof(std::uint64_t));
  return meanings;
}

std::vector<std::string> describe_losses(const write_counts& counts) {
  return describe_counts(counts);
}

void capture_writer::count_section(const section_header_block& header) noexcept {
  counts_.comments += header.comments.size();
  const bool other = header.hardware || header.os || header.application || !header.custom.empty() ||
                     !header.unknown.empty();
  counts_.section_details += other ? 1u : 0u;
}

void capture_writer::count_interface(const interface_description_block& description) noexcept {
  counts_.comments += description.comments.size();
  counts_.interface_descriptions += description.description ? 1u : 0u;
  counts_.interface_filters += description.filter ? 1u : 0u;
  const bool other = description.os || description.hardware || description.mac_address ||
                     description.eui_address || !description.ipv4_addresses.empty() ||
                     !description.ipv6_addresses.empty() || description.speed ||
                     description.transmit_speed || description.receive_speed ||
                     description.time_zone || !description.custom.empty() ||
                     !description.unknown.empty();
  counts_.interface_details += other ? 1u : 0u;
}

void capture_writer::count_block(capture_item item) noexcept {
  switch (item) {
    case capture_item::name_resolution:
      ++counts_.name_resolution;
      break;
    case capture_item::secrets:
      ++counts_.secrets;
      break;
    case capture_item::custom:
      ++counts_.custom;
      break;
    default:
      ++counts_.blocks;
  }
}

void capture_writer::count_options(const capture_packet& packet) noexcept {
  constexpr std::uint8_t others = option_bits::other | option_bits::not_copyable;
  counts_.times_missing += packet.has_time ? 0u : 1u;
  counts_.times_rounded += packet.time_is_cut ? 1u : 0u;
  counts_.dropcounts += packet.dropcount.value_or(0) != 0 ? 1u : 0u;
  counts_.comments += (packet.options_seen & option_bits::comment) != 0 ? 1u : 0u;
  counts_.packet_options += (packet.options_seen & others) != 0 ? 1u : 0u;
  counts_.modified_fields += packet.origin == packet_origin::modified_pcap_record ? 1u : 0u;
}

}  // namespace captured::format
