// SPDX-License-Identifier: MIT
//
// Counts the packets in octets that the recorder itself has encoded, for a stop that cannot wait
// for the disk. Not a reader of foreign files: it trusts the lengths.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "pipeline/chunk.hpp"

namespace captured::pipeline {

/// The part of a chunk's runs whose Enhanced Packet Blocks lie whole within `octets`, the chunk's
/// beginning.
[[nodiscard]] std::vector<chunk_run> packets_within(std::span<const std::byte> octets,
                                                    std::span<const chunk_run> runs);

}  // namespace captured::pipeline
