// SPDX-License-Identifier: MIT
#include "pipeline/unwritten.hpp"

#include <set>

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

void settle_unfinished(const std::vector<chunk*>& unfinished, port_set& ports) {
  std::set<std::uint32_t> cut_slots;
  for (const chunk* piece : unfinished) {
    const bool reachable = !cut_slots.contains(piece->slot);
    const auto stored =
        packets_within(piece->memory.first(reachable ? piece->taken : 0), piece->runs);
    ports.count_stored(stored);
    std::vector<chunk_run> rest = piece->runs;
    for (std::size_t i = 0; i < stored.size(); ++i) {
      rest[i].packets -= stored[i].packets;
    }
    ports.count_unwritten(rest);
    if (piece->taken < piece->used) {
      cut_slots.insert(piece->slot);
    }
  }
}

}  // namespace captured::pipeline
