// SPDX-License-Identifier: MIT
#include "pipeline/unwritten.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"

namespace captured::pipeline {

std::vector<chunk_share> packets_within(std::span<const std::byte> octets,
                                        std::size_t interface_count) {
  constexpr std::uint32_t enhanced_packet_block = 6;
  std::vector<chunk_share> shares(interface_count);
  std::size_t at = 0;
  while (octets.size() - at >= 8) {
    const auto type = base::load_little<std::uint32_t>(octets.data() + at);
    const auto length = base::load_little<std::uint32_t>(octets.data() + at + 4);
    CAPTURED_CHECK(length >= 12);
    if (length > octets.size() - at) {
      break;
    }
    if (type == enhanced_packet_block) {
      const auto interface_id = base::load_little<std::uint32_t>(octets.data() + at + 8);
      CAPTURED_CHECK(interface_id < interface_count);
      ++shares[interface_id].packets;
      shares[interface_id].octets += base::load_little<std::uint32_t>(octets.data() + at + 20);
    }
    at += length;
  }
  return shares;
}

}  // namespace captured::pipeline
