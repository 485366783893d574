// SPDX-License-Identifier: MIT
#include "pipeline/unwritten.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"

namespace captured::pipeline {

std::vector<chunk_run> packets_within(std::span<const std::byte> octets,
                                      std::span<const chunk_run> runs) {
  constexpr std::uint32_t enhanced_packet_block = 6;
  std::vector<chunk_run> whole;
  std::size_t at = 0;
  while (octets.size() - at >= 8) {
    const auto type = base::load_little<std::uint32_t>(octets.data() + at);
    const auto length = base::load_little<std::uint32_t>(octets.data() + at + 4);
    CAPTURED_CHECK(length >= 12);
    if (length > octets.size() - at) {
      break;
    }
    if (type == enhanced_packet_block) {
      if (whole.empty() || whole.back().packets == runs[whole.size() - 1].packets) {
        CAPTURED_CHECK(whole.size() < runs.size());
        whole.push_back({.port = runs[whole.size()].port});
      }
      ++whole.back().packets;
      whole.back().octets += base::load_little<std::uint32_t>(octets.data() + at + 20);
    }
    at += length;
  }
  return whole;
}

}  // namespace captured::pipeline
