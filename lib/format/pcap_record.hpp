// SPDX-License-Identifier: MIT
//
// Writes one record of classic pcap, little endian (pcap-savefile(5)). This is the hot path of
// outputs that record pcap: header-only, no allocation, no error. Not for copying between files.
//
//   0 seconds  4 micro- or nanoseconds  8 captured  12 original  16 octets of the packet
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "format/pcap_codes.hpp"
#include "format/restored_tag.hpp"
#include "packet/packet_view.hpp"

namespace captured::format {

/// Version 2.4; `link_field` is the link type with what stands beside it.
[[nodiscard]] inline std::array<std::byte, pcap_file_header_bytes> pcap_file_header(
    bool nanoseconds, std::uint32_t snaplen, std::uint32_t link_field) noexcept {
  std::array<std::byte, pcap_file_header_bytes> header{};
  base::store_little(header.data(), nanoseconds ? pcap_magic_ns : pcap_magic_us);
  base::store_little(header.data() + 4, std::uint16_t{2});
  base::store_little(header.data() + 6, std::uint16_t{4});
  base::store_little(header.data() + 16, snaplen);
  base::store_little(header.data() + 20, link_field);
  return header;
}

/// The records of one file.
struct pcap_records {
  bool nanoseconds = false;
  std::uint32_t snaplen = snaplen_unlimited;  ///< not 0

  /// How many octets `encode` will write.
  [[nodiscard]] std::size_t bytes(const packet::packet_view& packet) const noexcept {
    return pcap_record_header_bytes + detail::captured_bytes(packet, snaplen);
  }

  /// Writes the record at `out`, where `bytes` octets are free and do not overlap the packet;
  /// returns how many it took. A removed VLAN tag is put back and counts in both lengths. Times go
  /// until 2106.
  std::size_t encode(std::byte* out, const packet::packet_view& packet) const noexcept {
    constexpr std::uint64_t second_ns = 1'000'000'000;
    constexpr std::uint64_t microsecond_ns = 1000;
    const std::uint32_t captured = detail::captured_bytes(packet, snaplen);
    const std::uint64_t fraction = packet.timestamp_ns % second_ns;
    base::store_little(out, static_cast<std::uint32_t>(packet.timestamp_ns / second_ns));
    base::store_little(
        out + 4, static_cast<std::uint32_t>(nanoseconds ? fraction : fraction / microsecond_ns));
    base::store_little(out + 8, captured);
    base::store_little(out + 12, detail::original_bytes(packet, captured));
    detail::copy_captured(out + pcap_record_header_bytes, packet, captured);
    return pcap_record_header_bytes + captured;
  }
};

}  // namespace captured::format
