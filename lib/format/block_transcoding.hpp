// SPDX-License-Identifier: MIT
//
// pcapng content from one byte order to another: options and the rare blocks. What is not known is
// kept where its octets do not depend on the order. Only for pcapng_writer.
#pragma once

#include "format/block_appender.hpp"
#include "format/capture_model.hpp"

namespace captured::format {

enum class copyability : std::uint8_t { keep_all, drop_not_copyable };

struct options_left_out {
  std::uint64_t not_copyable = 0;  ///< they must not be copied
  std::uint64_t not_known = 0;     ///< in another byte order: they may hold numbers
};

/// Appends the options of a packet block as those of an Enhanced Packet Block.
options_left_out transcode_packet_options(block_appender& to, std::span<const std::byte> options,
                                          byte_order from, copyability policy);

/// An if_filter that is a BPF program, in another order; anything else stays as it is.
void transcode_filter(unknown_option& filter, byte_order to);

/// The whole block in another order: names, secrets, custom blocks. False for other types, whose
/// numbers cannot be found.
[[nodiscard]] bool transcode_block(std::vector<std::byte>& out, const capture_block& block,
                                   byte_order to);

}  // namespace captured::format
