// SPDX-License-Identifier: MIT
//
// Writes one Enhanced Packet Block, little endian, nanosecond ticks (draft-ietf-opsawg-pcapng,
// section "Enhanced Packet Block"). This is the hot path: header-only, no allocation, no error, for
// each packet. Not for copying packets between files with all their options.
//
//   0 type  4 length  8 interface  12 time, upper  16 time, lower  20 captured  24 original
//   28 octets of the packet, zeros to a multiple of 4
//   [flags 8] [drop count 12] [queue 8] [end of options 4]
//   length
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "format/pcapng_codes.hpp"
#include "format/restored_tag.hpp"
#include "packet/packet_view.hpp"

namespace captured::format {

inline constexpr std::uint32_t no_queue = 0xFFFFFFFF;

/// What is to be said of a packet that the packet does not know itself.
struct packet_block_extras {
  std::uint64_t dropcount = 0;     ///< lost between the one before of this interface and this one
  std::uint32_t queue = no_queue;  ///< which ring it came through, when there are several
};

/// Room that suffices for any packet of at most `captured_bytes` octets (with its VLAN tag).
[[nodiscard]] constexpr std::size_t packet_block_bytes_max(std::size_t captured_bytes) noexcept {
  constexpr std::size_t options_bytes = 8 + 12 + 8 + 4;
  return packet_block_header_bytes + base::align_up(captured_bytes, std::size_t{4}) +
         options_bytes + sizeof(std::uint32_t);
}

namespace detail {

[[nodiscard]] inline std::size_t options_bytes(const packet::packet_view& packet,
                                               const packet_block_extras& extras) noexcept {
  const std::size_t listed = (packet.packet_flags != 0 ? 8u : 0u) +
                             (extras.dropcount != 0 ? 12u : 0u) +
                             (extras.queue != no_queue ? 8u : 0u);
  return listed + (listed != 0 ? 4u : 0u);
}

inline std::byte* store_option_head(std::byte* out, std::uint16_t code,
                                    std::uint16_t bytes) noexcept {
  base::store_little(out, code | std::uint32_t{bytes} << 16);
  return out + 4;
}

/// The options in `out`, which are there when options_bytes is not 0; returns what follows them.
inline std::byte* store_options(std::byte* out, const packet::packet_view& packet,
                                const packet_block_extras& extras) noexcept {
  if (packet.packet_flags != 0) {
    out = store_option_head(out, option::epb_flags, 4);
    base::store_little(out, packet.packet_flags);
    out += 4;
  }
  if (extras.dropcount != 0) [[unlikely]] {
    out = store_option_head(out, option::epb_dropcount, 8);
    base::store_little(out, extras.dropcount);
    out += 8;
  }
  if (extras.queue != no_queue) {
    out = store_option_head(out, option::epb_queue, 4);
    base::store_little(out, extras.queue);
    out += 4;
  }
  return store_option_head(out, option::end_of_options, 0);
}

}  // namespace detail

/// How many octets encode_packet_block will write.
[[nodiscard]] inline std::size_t packet_block_bytes(const packet::packet_view& packet,
                                                    const packet_block_extras& extras,
                                                    std::uint32_t snaplen) noexcept {
  return packet_block_header_bytes +
         base::align_up<std::size_t>(detail::captured_bytes(packet, snaplen), 4) +
         detail::options_bytes(packet, extras) + sizeof(std::uint32_t);
}

/// Writes the block at `out` (any alignment), where packet_block_bytes octets are free and do not
/// overlap the packet; returns how many it took. A removed VLAN tag is put back behind the two
/// addresses and counts in both lengths; a packet cut before that place keeps it in the original
/// length only. Then the packet is cut at `snaplen` octets (not 0). The original length is raised
/// to the captured one if it is below.
[[nodiscard]] inline std::size_t encode_packet_block(std::byte* out, std::uint32_t interface_id,
                                                     const packet::packet_view& packet,
                                                     const packet_block_extras& extras,
                                                     std::uint32_t snaplen) noexcept {
  assert(snaplen != 0);
  const std::uint32_t captured = detail::captured_bytes(packet, snaplen);
  const std::uint32_t original = detail::original_bytes(packet, captured);
  const std::size_t padded = base::align_up<std::size_t>(captured, 4);
  const std::size_t options = detail::options_bytes(packet, extras);
  const std::size_t total = packet_block_header_bytes + padded + options + sizeof(std::uint32_t);
  const auto total_field = static_cast<std::uint32_t>(total);

  // Zeros first: they may lie under the end of the data or of the header, which come later.
  std::byte* const data = out + packet_block_header_bytes;
  base::store_little(data + padded - 4, std::uint32_t{0});
  base::store_little(out, block_type::enhanced_packet);
  base::store_little(out + 4, total_field);
  base::store_little(out + 8, interface_id);
  base::store_little(out + 12, static_cast<std::uint32_t>(packet.timestamp_ns >> 32));
  base::store_little(out + 16, static_cast<std::uint32_t>(packet.timestamp_ns));
  base::store_little(out + 20, captured);
  base::store_little(out + 24, original);
  detail::copy_captured(data, packet, captured);
  std::byte* end = data + padded;
  if (options != 0) {
    end = detail::store_options(end, packet, extras);
  }
  base::store_little(end, total_field);
  assert(end + sizeof total_field == out + total);
  return total;
}

}  // namespace captured::format
