// SPDX-License-Identifier: MIT
//
// Kernel block memory with any octets in it, encoded in place: whatever they say, what is to be
// written is whole blocks of pcapng that hold the packets counted, and the word that keeps the
// kernel away keeps its bit.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "capture/frame_cursor.hpp"
#include "pipeline/in_place_encoder.hpp"

using captured::base::load_little;

namespace {

constexpr std::size_t page = captured::pipeline::write_alignment;

void check_blocks(const std::vector<std::byte>& block, std::size_t octets, std::uint32_t packets) {
  std::uint32_t found = 0;
  std::size_t at = 0;
  while (at < octets) {
    CAPTURED_CHECK(octets - at >= 12);
    const std::byte* const here = block.data() + at;
    const auto length = load_little<std::uint32_t>(here + 4);
    CAPTURED_CHECK(length >= 12 && length % 4 == 0 && length <= octets - at);
    CAPTURED_CHECK(load_little<std::uint32_t>(here + length - 4) == length);
    if (load_little<std::uint32_t>(here) == captured::format::block_type::enhanced_packet) {
      ++found;
      CAPTURED_CHECK(length >= 32 + load_little<std::uint32_t>(here + 20));
      CAPTURED_CHECK(load_little<std::uint32_t>(here + 24) >=
                     load_little<std::uint32_t>(here + 20));
    }
    at += length;
  }
  CAPTURED_CHECK(found == packets);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 8) {
    return 0;
  }
  const auto* const octets = reinterpret_cast<const std::byte*>(data);
  const captured::pipeline::in_place_target target{
      .interface_id = 1,
      .snaplen = 1 + load_little<std::uint32_t>(octets),
      .queue = (data[4] & 1) != 0 ? captured::format::no_queue : 5,
      .losses = data[5]};
  if (target.snaplen == 0) {
    return 0;
  }
  // Whole pages, and not an octet more, so that the address sanitizer sees a step behind them.
  const std::size_t room = std::max(page, (size - 8) / page * page);
  std::vector<std::byte> block(room);
  std::copy_n(octets + 8, std::min(room, size - 8), block.begin());
  block[8] |= std::byte{1};
  const auto announced = captured::capture::read_block_head(block).packet_count;
  static_cast<void>(
      captured::pipeline::fits_in_place(block, captured::capture::framing::ethernet, {}));
  std::uint64_t newest = 0;
  const auto done = captured::pipeline::encode_in_place(block, target, newest);
  CAPTURED_CHECK(std::uint64_t{done.packets} + done.damaged == announced);
  CAPTURED_CHECK(done.octets % page == 0 && done.octets <= block.size());
  CAPTURED_CHECK(done.used <= done.octets && (done.octets == 0) == (done.packets == 0));
  CAPTURED_CHECK((block[8] & std::byte{1}) == std::byte{1});
  check_blocks(block, done.octets, done.packets);
  return 0;
}
