// SPDX-License-Identifier: MIT
//
// The rare blocks of a pcapng file as values: section header, interface description, interface
// statistics, custom block (draft-ietf-opsawg-pcapng). Times are ticks of the interface. Options
// that are not known here are kept as they are, so that a copy loses nothing. Packets are not
// values: packet_block_encoder.hpp writes them and packet_block_view reads them in place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "format/byte_order.hpp"
#include "packet/link_type.hpp"

namespace captured::format {

/// Option 2988, 2989, 19372 or 19373 (option::custom_…): octets whose meaning their owner knows.
struct custom_option {
  std::uint16_t code = 0;
  std::uint32_t pen = 0;  ///< Private Enterprise Number of the owner
  std::vector<std::byte> value;
  bool operator==(const custom_option&) const = default;
};

/// An option that is not understood here, in the byte order of the section it came from.
struct unknown_option {
  std::uint16_t code = 0;
  std::vector<std::byte> value;
  byte_order order = byte_order::little;
  bool operator==(const unknown_option& other) const {
    return code == other.code && value == other.value;
  }
};

struct section_header_block {
  std::int64_t section_length = -1;  ///< octets after this block; -1 is "not said"
  std::vector<std::string> comments;
  std::optional<std::string> hardware;
  std::optional<std::string> os;
  std::optional<std::string> application;
  std::vector<custom_option> custom;
  std::vector<unknown_option> unknown;
  bool operator==(const section_header_block&) const = default;
};

struct interface_description_block {
  packet::link_type link = packet::link_type::ethernet;
  std::uint32_t snaplen = 262144;  ///< 0 is "no limit"
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::string> filter;  ///< libpcap's language; other kinds stay in `unknown`
  std::optional<std::string> os;
  std::optional<std::string> hardware;
  std::vector<std::array<std::uint8_t, 8>> ipv4_addresses;   ///< address, netmask
  std::vector<std::array<std::uint8_t, 17>> ipv6_addresses;  ///< address, prefix length
  std::optional<std::array<std::uint8_t, 6>> mac_address;
  std::optional<std::array<std::uint8_t, 8>> eui_address;
  std::optional<std::uint64_t> speed;           ///< bit/s in both directions
  std::optional<std::uint64_t> transmit_speed;  ///< bit/s, where it differs
  std::optional<std::uint64_t> receive_speed;
  std::uint8_t tsresol = 9;              ///< 10^-n s, or 2^-n s with the top bit; always written
  std::optional<std::int64_t> tsoffset;  ///< seconds to add to every time stamp
  std::optional<std::uint8_t> fcs_bits;
  std::optional<std::string> time_zone;  ///< IANA name
  std::vector<std::string> comments;
  std::vector<custom_option> custom;
  std::vector<unknown_option> unknown;
  bool operator==(const interface_description_block&) const = default;
};

struct interface_statistics_block {
  std::uint32_t interface_id = 0;
  std::uint64_t timestamp = 0;
  std::optional<std::uint64_t> start_time;
  std::optional<std::uint64_t> end_time;
  std::optional<std::uint64_t> received;       ///< isb_ifrecv
  std::optional<std::uint64_t> dropped;        ///< isb_ifdrop
  std::optional<std::uint64_t> filter_accept;  ///< isb_filteraccept
  std::optional<std::uint64_t> os_drop;        ///< isb_osdrop
  std::optional<std::uint64_t> user_deliver;   ///< isb_usrdeliv
  std::vector<std::string> comments;
  std::vector<custom_option> custom;
  std::vector<unknown_option> unknown;
  bool operator==(const interface_statistics_block&) const = default;
};

/// `data` is all behind the number: where it ends and options begin is known to its owner only.
struct custom_block {
  bool copyable = false;  ///< may an editor copy it into a new file?
  std::uint32_t pen = 0;
  std::vector<std::byte> data;  ///< written with zeros up to a multiple of 4
  bool operator==(const custom_block&) const = default;
};

/// Append the block to `out`. Strings and option values that the 16-bit length cannot hold are cut.
/// Unknown options are copied as they are: the byte order must be that of their origin. A block
/// of more than block_bytes_max is written but refused by readers; the caller keeps below it.
void append(std::vector<std::byte>& out, const section_header_block& block,
            byte_order order = byte_order::little);
void append(std::vector<std::byte>& out, const interface_description_block& block,
            byte_order order = byte_order::little);
void append(std::vector<std::byte>& out, const interface_statistics_block& block,
            byte_order order = byte_order::little);
void append(std::vector<std::byte>& out, const custom_block& block,
            byte_order order = byte_order::little);

}  // namespace captured::format
