// SPDX-License-Identifier: MIT
//
// Numbers of the pcapng format: block types, option codes, lengths (draft-ietf-opsawg-pcapng), and
// the few that are our own. Nothing but constants.
#pragma once

#include <cstddef>
#include <cstdint>

namespace captured::format {

/// Under this Private Enterprise Number our custom blocks and options stand: the one kept for
/// examples (RFC 5612). It must be odd: in a ring block that is encoded in place it lies on the
/// kernel's status word, whose bit 0 keeps the kernel away.
inline constexpr std::uint32_t private_enterprise_number = 32473;
static_assert(private_enterprise_number % 2 == 1);

namespace block_type {
inline constexpr std::uint32_t section_header = 0x0A0D0D0A;  ///< the same in both byte orders
inline constexpr std::uint32_t interface_description = 1;
inline constexpr std::uint32_t packet = 2;  ///< obsolete, read only
inline constexpr std::uint32_t simple_packet = 3;
inline constexpr std::uint32_t name_resolution = 4;
inline constexpr std::uint32_t interface_statistics = 5;
inline constexpr std::uint32_t enhanced_packet = 6;
inline constexpr std::uint32_t systemd_journal_export = 9;
inline constexpr std::uint32_t decryption_secrets = 10;
inline constexpr std::uint32_t custom_copyable = 0x00000BAD;
inline constexpr std::uint32_t custom_not_copyable = 0x40000BAD;
}  // namespace block_type

/// What the head of a ring block that is encoded in place and the filler behind its packets are: a
/// Custom Block that editors do not copy.
inline constexpr std::uint32_t ring_filler_type = block_type::custom_not_copyable;

inline constexpr std::uint32_t byte_order_magic = 0x1A2B3C4D;
inline constexpr std::size_t block_overhead_bytes = 12;        ///< type and both lengths
inline constexpr std::size_t packet_block_header_bytes = 28;   ///< in front of the packet's octets
inline constexpr std::size_t option_value_bytes_max = 0xFFFF;  ///< the length field has 16 bits
inline constexpr std::uint32_t block_bytes_max = 16u << 20;    ///< what libpcap and we read
inline constexpr std::uint32_t section_header_bytes_max = 1u << 20;

namespace option {
inline constexpr std::uint16_t end_of_options = 0;
inline constexpr std::uint16_t comment = 1;
inline constexpr std::uint16_t custom_text_copyable = 2988;
inline constexpr std::uint16_t custom_binary_copyable = 2989;
inline constexpr std::uint16_t custom_text_not_copyable = 19372;
inline constexpr std::uint16_t custom_binary_not_copyable = 19373;

inline constexpr std::uint16_t shb_hardware = 2;
inline constexpr std::uint16_t shb_os = 3;
inline constexpr std::uint16_t shb_userappl = 4;

inline constexpr std::uint16_t if_name = 2;
inline constexpr std::uint16_t if_description = 3;
inline constexpr std::uint16_t if_ipv4_address = 4;
inline constexpr std::uint16_t if_ipv6_address = 5;
inline constexpr std::uint16_t if_mac_address = 6;
inline constexpr std::uint16_t if_eui_address = 7;
inline constexpr std::uint16_t if_speed = 8;
inline constexpr std::uint16_t if_tsresol = 9;
inline constexpr std::uint16_t if_filter = 11;
inline constexpr std::uint16_t if_os = 12;
inline constexpr std::uint16_t if_fcslen = 13;
inline constexpr std::uint16_t if_tsoffset = 14;
inline constexpr std::uint16_t if_hardware = 15;
inline constexpr std::uint16_t if_txspeed = 16;
inline constexpr std::uint16_t if_rxspeed = 17;
inline constexpr std::uint16_t if_iana_tzname = 18;

inline constexpr std::uint16_t epb_flags = 2;
inline constexpr std::uint16_t epb_hash = 3;
inline constexpr std::uint16_t epb_dropcount = 4;
inline constexpr std::uint16_t epb_packetid = 5;
inline constexpr std::uint16_t epb_queue = 6;
inline constexpr std::uint16_t epb_verdict = 7;
inline constexpr std::uint16_t epb_process_thread = 8;

inline constexpr std::uint16_t isb_starttime = 2;
inline constexpr std::uint16_t isb_endtime = 3;
inline constexpr std::uint16_t isb_ifrecv = 4;
inline constexpr std::uint16_t isb_ifdrop = 5;
inline constexpr std::uint16_t isb_filteraccept = 6;
inline constexpr std::uint16_t isb_osdrop = 7;
inline constexpr std::uint16_t isb_usrdeliv = 8;
}  // namespace option

/// First octet of if_filter: how the filter is written down.
inline constexpr std::uint8_t filter_kind_text = 0;

/// First number in our own custom blocks (formats, section "Our own blocks and options").
enum class own_block : std::uint32_t { filler = 0, ring_block_head = 1, end_of_file = 2 };

}  // namespace captured::format
