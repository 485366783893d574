// SPDX-License-Identifier: MIT
//
// Counts the packets in octets that the recorder itself has encoded, for a stop that cannot wait
// for the disk. Not a reader of foreign files: it trusts the lengths.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "pipeline/chunk.hpp"
#include "pipeline/port_set.hpp"
#include "pipeline/record_form.hpp"

namespace captured::pipeline {

/// The part of a chunk's runs whose Enhanced Packet Blocks lie whole within `octets`, the chunk's
/// beginning.
[[nodiscard]] std::vector<chunk_run> packets_within(std::span<const std::byte> octets,
                                                    std::span<const chunk_run> runs);

/// The same of a chunk with records; `head_bytes` of it are the head of the file.
[[nodiscard]] std::vector<chunk_run> records_within(std::span<const std::byte> octets,
                                                    std::span<const chunk_run> runs,
                                                    const format::record_walker& walker,
                                                    std::size_t head_bytes);

/// Settles the packets of chunks that the disk has not taken whole: of a file that it took in part,
/// the whole packets before the first gap are stored, all others are unwritten. `records` are those
/// of files that are not made of blocks.
void settle_unfinished(const std::vector<chunk*>& unfinished, port_set& ports,
                       const std::optional<record_form>& records);

}  // namespace captured::pipeline
