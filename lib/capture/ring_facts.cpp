// SPDX-License-Identifier: MIT
#include "capture/ring_facts.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "capture/cooked_front.hpp"
#include "capture/frame_cursor.hpp"

namespace captured::capture {
namespace {

/// Where tpacket_rcv puts the data: behind frame head, room for a link header of 16 octets at
/// least, and the reserve that packet_socket asks for.
constexpr std::size_t data_offset(framing form) noexcept {
  return form == framing::ethernet ? 84 : 96;
}

/// Preamble, checksum and gap that each Ethernet frame takes on the wire beside its octets.
constexpr std::uint64_t wire_overhead_bytes = 24;

}  // namespace

std::size_t longest_packet(std::uint32_t block_bytes, framing form) noexcept {
  const std::size_t front = form == framing::cooked ? cooked::header_bytes : 0;
  const std::size_t taken = tpacket::block_head_bytes + data_offset(form);
  return block_bytes > taken ? block_bytes - taken + front : 0;
}

std::chrono::nanoseconds stall_survived(const ring_options& ring, std::uint64_t line_rate_bits,
                                        std::uint32_t wire_bytes) noexcept {
  if (line_rate_bits == 0 || ring.block_bytes == 0) {
    return std::chrono::nanoseconds::max();
  }
  const std::size_t frame_bytes = base::align_up<std::size_t>(
      data_offset(framing::ethernet) + wire_bytes, tpacket::frame_alignment);
  const double packets_in_block =
      static_cast<double>(ring.block_bytes) / static_cast<double>(frame_bytes);
  const double packet_seconds = static_cast<double>((wire_bytes + wire_overhead_bytes) * 8) /
                                static_cast<double>(line_rate_bits);
  const std::chrono::duration<double> block_lasts = std::min<std::chrono::duration<double>>(
      std::chrono::duration<double>(packets_in_block * packet_seconds), ring.timeout);
  const auto blocks = static_cast<double>(ring.size_bytes / ring.block_bytes);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(blocks * block_lasts);
}

}  // namespace captured::capture
