// SPDX-License-Identifier: MIT
#include "pipeline/unwritten.hpp"

#include <algorithm>
#include <set>

#include "base/bytes.hpp"
#include "base/check.hpp"

namespace captured::pipeline {

namespace {

/// One more whole packet of a chunk whose packets are told by `runs`.
void count_packet(std::vector<chunk_run>& whole, std::span<const chunk_run> runs,
                  std::uint64_t captured) {
  if (whole.empty() || whole.back().packets == runs[whole.size() - 1].packets) {
    CAPTURED_CHECK(whole.size() < runs.size());
    whole.push_back({.port = runs[whole.size()].port});
  }
  ++whole.back().packets;
  whole.back().octets += captured;
}

}  // namespace

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
      count_packet(whole, runs, base::load_little<std::uint32_t>(octets.data() + at + 20));
    }
    at += length;
  }
  return whole;
}

std::vector<chunk_run> records_within(std::span<const std::byte> octets,
                                      std::span<const chunk_run> runs,
                                      const format::record_walker& walker, std::size_t head_bytes) {
  std::vector<chunk_run> whole;
  std::size_t at = std::min(head_bytes, octets.size());
  while (octets.size() - at >= walker.record_header_bytes()) {
    const auto bytes = walker.record_bytes(octets.subspan(at));
    CAPTURED_CHECK(bytes.has_value());
    if (*bytes > octets.size() - at) {
      break;
    }
    count_packet(whole, runs, walker.captured_bytes(*bytes));
    at += *bytes;
  }
  return whole;
}

void settle_unfinished(const std::vector<chunk*>& unfinished, port_set& ports,
                       const std::optional<record_form>& records) {
  std::set<std::uint32_t> cut_slots;
  for (const chunk* piece : unfinished) {
    const bool reachable = !cut_slots.contains(piece->slot);
    const auto octets = piece->memory.first(reachable ? piece->taken : 0);
    const auto stored =
        records
            ? records_within(octets, piece->runs, records->walker(),
                             piece->file_offset == 0 ? records->walker().file_header_bytes() : 0)
            : packets_within(octets, piece->runs);
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
