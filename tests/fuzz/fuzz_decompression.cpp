// SPDX-License-Identifier: MIT
//
// Compressed octets of any kind, bombs among them: memory must not grow with what comes out.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "format/decompression.hpp"

using namespace captured;
using namespace captured::format;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const auto octets = std::as_bytes(std::span(data, size)).subspan(1);
  const capture_format formats[] = {capture_format::gzip, capture_format::zstd,
                                    capture_format::lz4};
  octet_window window(octets);
  const auto source = make_decompressor(formats[data[0] % 3], window);
  std::vector<std::byte> room(1 + std::size_t{data[0]} * 97);
  // Bounded also in calls: a room of one octet would take millions.
  const std::size_t output_max = std::min(std::size_t{4} << 20, room.size() << 16);
  std::size_t total = 0;
  while (total < output_max) {
    const auto count = source->read(room);
    if (!count || *count == 0) {
      break;
    }
    if (*count > room.size()) {
      std::abort();
    }
    total += *count;
  }
  return 0;
}
