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

/// Packets of each interface whose Enhanced Packet Block lies whole within `octets`, which begin at
/// the start of a block.
[[nodiscard]] std::vector<chunk_share> packets_within(std::span<const std::byte> octets,
                                                      std::size_t interface_count);

}  // namespace captured::pipeline
