// SPDX-License-Identifier: MIT
//
// How long a stall of the disk a ring survives: until it is full. Pure arithmetic.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace captured::daemon {

/// Octets of ring memory for a second at that speed, in bits a second: the kernel's headers take
/// about a tenth more than packets of middle size.
[[nodiscard]] std::uint64_t ring_bytes_for_a_second(std::uint64_t speed_bits);

/// 10 Gbit/s
[[nodiscard]] std::string speed_text(std::uint64_t speed_bits);

/// "0.05 s at 10 Gbit/s": for the ring memory of a device, at its own speed, or at 1 Gbit/s where
/// that is not known.
[[nodiscard]] std::string stall_text(std::uint64_t ring_bytes,
                                     std::optional<std::uint64_t> speed_bits);

/// The same of several rings that share a device: "0.05 s to 0.20 s at 10 Gbit/s", since one of
/// them may get all packets, or each its part.
[[nodiscard]] std::string stall_text(std::uint64_t ring_bytes, std::uint32_t rings,
                                     std::optional<std::uint64_t> speed_bits);

}  // namespace captured::daemon
