// SPDX-License-Identifier: MIT
//
// What a capture file holds, whatever its format: sections, interfaces, packets, statistics and the
// rest. Values and views that readers fill and writers take; nothing here reads or writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "format/block_walker.hpp"
#include "format/capture_format.hpp"
#include "format/capture_time.hpp"
#include "format/option_cursor.hpp"
#include "format/pcapng_blocks.hpp"
#include "packet/link_type.hpp"

namespace captured::format {

/// What a reader came upon.
enum class capture_item : std::uint8_t {
  section,    ///< the first item of every file; other formats than pcapng have one
  interface,  ///< a description; before its first packet
  packet,
  statistics,
  name_resolution,  ///< this and the following: as they lie in the block
  secrets,
  custom,
  other,  ///< a block of a type that is not known
  end,
  failed,  ///< what was given before is good
};

struct capture_section {
  std::uint32_t index = 0;  ///< from 0 in the file
  capture_format format = capture_format::unknown;
  byte_order order = byte_order::little;
  std::uint16_t major = 0;
  std::uint16_t minor = 0;
  section_header_block header;  ///< empty for other formats than pcapng
  /// Other formats: the link-type field of pcap as it stands, or the data link of snoop.
  std::uint32_t link_field = 0;
};

/// For other formats than pcapng the description says what is known.
struct capture_interface {
  interface_description_block description;
  std::optional<tick_scale> scale = tick_scale{};  ///< nothing: its resolution is not possible
};

enum class packet_origin : std::uint8_t {
  enhanced_packet,
  simple_packet,
  obsolete_packet,
  pcap_record,
  modified_pcap_record,
  snoop_record,
  lpcap_record,
};

/// What a record of Kuznetzov's pcap has beyond the usual.
struct modified_pcap_fields {
  std::uint32_t interface_index = 0;
  std::uint16_t protocol = 0;
  std::uint8_t packet_type = 0;
};

/// What the options of a packet say beyond flags and drop count.
namespace option_bits {
inline constexpr std::uint8_t comment = 1;
inline constexpr std::uint8_t not_copyable = 2;  ///< custom options that stay in their file
inline constexpr std::uint8_t other = 4;
inline constexpr std::uint8_t damaged = 8;  ///< the list does not end as it should
}  // namespace option_bits

/// One packet where it lies. Valid until the reader is asked for the next item; the octets, when
/// the reader is stable(), as long as the file is mapped.
struct capture_packet {
  time_ns time = 0;                        ///< 0 when has_time is false
  std::uint64_t ticks = 0;                 ///< pcapng: the stamp as it stands
  std::span<const std::byte> data;         ///< captured octets
  std::span<const std::byte> record;       ///< the whole block or record
  std::span<const std::byte> options;      ///< pcapng: behind the data
  std::uint64_t offset = 0;                ///< of the record in the (decompressed) file
  std::optional<std::uint64_t> dropcount;  ///< lost since the packet before of this interface
  std::uint32_t section = 0;
  std::uint32_t interface_id = 0;     ///< in the section; known to the reader
  std::uint32_t original_length = 0;  ///< at least the captured length
  std::uint32_t packet_flags = 0;     ///< as epb_flags; 0 when nothing was said
  modified_pcap_fields modified;
  packet::link_type link = packet::link_type::ethernet;
  packet_origin origin = packet_origin::pcap_record;
  byte_order order = byte_order::little;  ///< of the record
  bool has_time = true;
  bool time_is_inferred = false;  ///< lpcap without its sidecar
  bool time_is_cut = false;       ///< its interface has finer times, and it has no whole nanosecond
  bool has_flags = false;
  std::uint8_t options_seen = 0;  ///< option_bits
};

/// A block that is neither packet, section, interface nor statistics.
using capture_block = block_view;

/// Peculiarities that did not stop a reader.
struct read_counts {
  std::uint64_t originals_raised = 0;     ///< original length was below the captured one
  std::uint64_t fractions_carried = 0;    ///< a second or more in the field below seconds
  std::uint64_t beyond_snaplen = 0;       ///< more octets than the snap length says
  std::uint64_t options_left_out = 0;     ///< not of their length, or repeated
  std::uint64_t blocks_left_out = 0;      ///< lenient: damaged inside
  std::uint64_t sections_left_out = 0;    ///< of an unknown version
  std::uint64_t packets_left_out = 0;     ///< of another link type than wanted
  std::uint64_t lengths_not_aligned = 0;  ///< lenient
  std::uint64_t reserved_bits_set = 0;    ///< lenient: in the link-type field of pcap
  std::uint64_t unknown_kinds = 0;        ///< lenient: lpcap's traffic type, or its time of 0
  std::uint64_t times_wrapped = 0;        ///< lpcap without its sidecar
};

/// One line for each count that is not zero: "3 packets …".
[[nodiscard]] std::vector<std::string> describe_peculiarities(const read_counts& counts);

}  // namespace captured::format
