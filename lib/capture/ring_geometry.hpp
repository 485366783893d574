// SPDX-License-Identifier: MIT
//
// What the kernel is asked for when a ring is made (PACKET_RX_RING of TPACKET_V3, packet(7)), and
// whether that can be: pure arithmetic on the options.
#pragma once

#include <cstdint>
#include <string>

#include <linux/if_packet.h>

#include "base/error.hpp"
#include "capture/options.hpp"

namespace captured::capture {

/// "64 MiB": the largest binary unit that divides the size.
[[nodiscard]] std::string size_text(std::uint64_t byte_count);

/// "ring of 64 MiB on eth0", for the context of failures.
[[nodiscard]] std::string ring_text(const ring_options&, const std::string& device_name);

/// The kernel's request structure. Fails when a block is not a power of two of at least 4 KiB, the
/// size is not a multiple of it or makes fewer than two blocks, or the timeout is below 1 ms (0
/// would let the kernel choose).
[[nodiscard]] base::result<tpacket_req3> ring_geometry(const ring_options&,
                                                       const std::string& device_name);

}  // namespace captured::capture
