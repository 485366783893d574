// SPDX-License-Identifier: MIT
//
// Counts the packets in octets that the recorder itself has encoded, for a stop that cannot wait
// for the disk. Not a reader of foreign files: it trusts the lengths.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "pipeline/chunk.hpp"
#include "pipeline/port_set.hpp"

namespace captured::pipeline {

/// The part of a chunk's runs whose Enhanced Packet Blocks lie whole within `octets`, the chunk's
/// beginning.
[[nodiscard]] std::vector<chunk_run> packets_within(std::span<const std::byte> octets,
                                                    std::span<const chunk_run> runs);

/// Settles the packets of chunks that the disk has not taken whole: of a file that it took in part,
/// the whole packets before the first gap are stored, all others are unwritten.
void settle_unfinished(const std::vector<chunk*>& unfinished, port_set& ports);

}  // namespace captured::pipeline
