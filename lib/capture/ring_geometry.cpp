// SPDX-License-Identifier: MIT
#include "capture/ring_geometry.hpp"

#include <array>
#include <bit>
#include <limits>

namespace captured::capture {
namespace {

constexpr std::uint32_t block_bytes_min = 4096;
constexpr std::uint64_t blocks_min = 2;
constexpr std::uint64_t blocks_max = std::numeric_limits<std::uint32_t>::max();

/// What is wrong with the options, or nothing.
std::string objection(const ring_options& options) {
  if (options.block_bytes < block_bytes_min || !std::has_single_bit(options.block_bytes)) {
    return "a block of " + size_text(options.block_bytes) +
           " is not a power of two of at least 4 KiB";
  }
  if (options.size_bytes % options.block_bytes != 0) {
    return "the size is not a multiple of the block, " + size_text(options.block_bytes);
  }
  const std::uint64_t blocks = options.size_bytes / options.block_bytes;
  if (blocks < blocks_min) {
    return "at least two blocks of " + size_text(options.block_bytes) + " are needed";
  }
  if (blocks > blocks_max) {
    return "too many blocks of " + size_text(options.block_bytes);
  }
  if (options.timeout.count() < 1 ||
      options.timeout.count() > std::numeric_limits<std::int32_t>::max()) {
    return "a timeout of " + std::to_string(options.timeout.count()) + " ms is out of range";
  }
  return {};
}

}  // namespace

std::string size_text(std::uint64_t byte_count) {
  constexpr std::array units = {" B", " KiB", " MiB", " GiB", " TiB"};
  std::size_t unit = 0;
  while (byte_count != 0 && byte_count % 1024 == 0 && unit + 1 < units.size()) {
    byte_count /= 1024;
    ++unit;
  }
  return std::to_string(byte_count) + units[unit];
}

std::string ring_text(const ring_options& options, const std::string& device_name) {
  return "ring of " + size_text(options.size_bytes) + " on " + device_name;
}

base::result<tpacket_req3> ring_geometry(const ring_options& options,
                                         const std::string& device_name) {
  if (const std::string why = objection(options); !why.empty()) {
    return base::invalid_input("open " + ring_text(options, device_name), why);
  }
  const auto blocks = static_cast<std::uint32_t>(options.size_bytes / options.block_bytes);
  tpacket_req3 request{};
  request.tp_block_size = options.block_bytes;
  request.tp_block_nr = blocks;
  // TPACKET_V3 lays frames out by their length; the kernel only checks that
  // tp_frame_nr = tp_block_size / tp_frame_size * tp_block_nr.
  request.tp_frame_size = options.block_bytes;
  request.tp_frame_nr = blocks;
  request.tp_retire_blk_tov = static_cast<std::uint32_t>(options.timeout.count());
  return request;
}

}  // namespace captured::capture
