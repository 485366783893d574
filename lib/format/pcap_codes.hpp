// SPDX-License-Identifier: MIT
//
// Numbers of the pcap format (pcap-savefile(5)). Nothing but constants.
#pragma once

#include <cstddef>
#include <cstdint>

namespace captured::format {

inline constexpr std::uint32_t pcap_magic_us = 0xA1B2C3D4;
inline constexpr std::uint32_t pcap_magic_ns = 0xA1B23C4D;
inline constexpr std::size_t pcap_file_header_bytes = 24;
inline constexpr std::size_t pcap_record_header_bytes = 16;

/// The link-type field: length of the frame check sequence, flags, and the type itself.
inline constexpr std::uint32_t pcap_link_type_mask = 0x0000FFFF;
inline constexpr std::uint32_t pcap_link_reserved_mask = 0x03FF0000;
inline constexpr std::uint32_t pcap_fcs_present = 0x04000000;
inline constexpr unsigned pcap_fcs_shift = 28;  ///< above: the length in units of 16 bits

/// What writers put where nothing limits the packets; every known reader takes it.
inline constexpr std::uint32_t snaplen_unlimited = 262144;

}  // namespace captured::format
