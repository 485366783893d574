// SPDX-License-Identifier: MIT
//
// gzip, zstd and lz4 taken off while reading: concatenated members, checksums, and an error for a
// stream that ends early. Memory does not grow with what comes out.
#pragma once

#include <memory>

#include "format/capture_format.hpp"
#include "format/octet_source.hpp"
#include "format/octet_window.hpp"

namespace captured::format {

/// Back references of zstd may reach so far (2^n octets); frames that want more are refused.
inline constexpr int zstd_window_log_max = 25;

/// Takes the compressed octets from the window, which must outlive it. `format` is a compression.
/// Zeros behind the last gzip member are padding, anything else behind it is an error.
[[nodiscard]] std::unique_ptr<octet_source> make_decompressor(capture_format format,
                                                              octet_window& from);

}  // namespace captured::format
