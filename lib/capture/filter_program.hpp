// SPDX-License-Identifier: MIT
//
// A classic BPF program as a packet socket takes it (socket(7) SO_ATTACH_FILTER): what it returns
// for a packet is the number of octets kept, 0 rejects. Compiling text is filter.hpp's business.
#pragma once

#include <cstdint>
#include <vector>

#include <linux/filter.h>

#include "base/error.hpp"
#include "capture/options.hpp"

namespace captured::capture {

/// Never empty, at most BPF_MAXINSNS instructions; a plain value.
struct filter_program {
  std::vector<sock_filter> instructions = {};
};

/// Takes every packet and keeps up to `snaplen` octets of it.
[[nodiscard]] filter_program accept_all(std::uint32_t snaplen);

/// Takes nothing.
[[nodiscard]] filter_program reject_all();

/// Makes every "accept" of a program keep `snaplen` octets, whatever it kept before.
void set_snaplen(filter_program& program, std::uint32_t snaplen) noexcept;

/// Puts a test of the packet's direction before a program; `both` and `automatic` test nothing.
/// Fails when the result is longer than the kernel takes.
[[nodiscard]] base::result<filter_program> restrict_direction(filter_program program,
                                                              direction which);

}  // namespace captured::capture
