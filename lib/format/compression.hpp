// SPDX-License-Identifier: MIT
//
// gzip and zstd put on while writing. Taking them off is for decompression.hpp.
#pragma once

#include <memory>

#include "format/capture_format.hpp"
#include "format/octet_sink.hpp"

namespace captured::format {

/// A sink that must be finished, or what it wrote is cut.
class compressing_sink : public octet_sink {
 public:
  /// Writes what is held back and the end of the stream; nothing may be written after it.
  virtual base::result<> finish() = 0;
};

/// Compresses into the sink, which must outlive it. `format` is gzip or zstd.
[[nodiscard]] std::unique_ptr<compressing_sink> make_compressor(capture_format format,
                                                                octet_sink& to);

}  // namespace captured::format
