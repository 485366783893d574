// SPDX-License-Identifier: MIT
//
// What a ring of given options can and cannot do: figures for warnings before anything is opened.
// Arithmetic only; what to say of it is the caller's business.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "capture/framing.hpp"
#include "capture/options.hpp"

namespace captured::capture {

/// The longest packet that fits a block: the kernel cuts longer ones to this, whatever the snaplen,
/// and tells their whole length. Cooked headers count.
[[nodiscard]] std::size_t longest_packet(std::uint32_t block_bytes, framing form) noexcept;

/// For how long a ring takes everything when nobody empties it and the device runs at its line
/// rate, bits per second. A packet takes more of the ring than of the wire when it is short:
/// `wire_bytes` is what the packets are long, headers of the link included. The kernel also hands
/// on blocks that are not full when their time is over, so that a slow link does not fill them:
/// then the ring lasts for as many timeouts as it has blocks.
[[nodiscard]] std::chrono::nanoseconds stall_survived(const ring_options& ring,
                                                      std::uint64_t line_rate_bits,
                                                      std::uint32_t wire_bytes) noexcept;

}  // namespace captured::capture
