// SPDX-License-Identifier: MIT
//
// From the octets of one block to its meaning (draft-ietf-opsawg-pcapng). A block whose fixed part
// does not fit fails; an option that is not as it should be is left out and counted, for files in
// the wild have such options (a once-only option twice: the first counts).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/error.hpp"
#include "format/block_walker.hpp"
#include "format/option_cursor.hpp"
#include "format/pcapng_blocks.hpp"

namespace captured::format {

/// Each adds to `options_left_out`. The block must be of the type that the name says.
[[nodiscard]] base::result<section_header_block> parse_section_header(
    const block_view& block, std::uint64_t& options_left_out);
[[nodiscard]] base::result<interface_description_block> parse_interface_description(
    const block_view& block, std::uint64_t& options_left_out);
[[nodiscard]] base::result<interface_statistics_block> parse_interface_statistics(
    const block_view& block, std::uint64_t& options_left_out);
/// `data` keeps the padding, for only the owner of the block knows where the data ends.
[[nodiscard]] base::result<custom_block> parse_custom(const block_view& block);

/// A packet where it lies. `data` and `options` live as long as the block.
struct packet_block_view {
  std::uint32_t interface_id = 0;
  std::uint64_t ticks = 0;
  std::uint32_t original_length = 0;
  std::span<const std::byte> data;  ///< captured octets
  option_cursor options;
};

/// An Enhanced Packet Block; nothing when its captured length does not fit the block. For each
/// packet: allocates nothing.
[[nodiscard]] std::optional<packet_block_view> view_enhanced_packet(
    const block_view& block) noexcept;

}  // namespace captured::format
