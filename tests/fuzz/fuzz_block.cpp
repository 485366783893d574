// SPDX-License-Identifier: MIT
//
// Kernel block memory with any octets in it: whatever they say, every packet shown lies within the
// block, and no more are shown than the head counts.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.hpp"
#include "capture/frame_cursor.hpp"

namespace {

void walk(std::vector<std::byte> block, captured::capture::framing form) {
  const std::byte* const end = block.data() + block.size();
  captured::capture::frame_cursor cursor(block, form);
  const std::uint32_t announced = cursor.remaining();
  captured::packet::packet_view packet;
  std::uint32_t shown = 0;
  const std::byte* last = block.data();
  std::uint64_t sum = 0;
  while (cursor.next(packet)) {
    ++shown;
    // Frames come in the order of memory and do not overlap, which bounds the walk.
    CAPTURED_CHECK(packet.data.data() >= last);
    CAPTURED_CHECK(packet.data.size() <= static_cast<std::size_t>(end - packet.data.data()));
    last = packet.data.data() + packet.data.size();
    for (const std::byte octet : packet.data) {
      sum += std::to_integer<std::uint64_t>(octet);
    }
  }
  CAPTURED_CHECK(shown + cursor.remaining() == announced);
  CAPTURED_CHECK(cursor.damaged() == (cursor.remaining() != 0));
  CAPTURED_CHECK(sum <= std::uint64_t{255} * block.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Copies of just this size, so that the address sanitizer sees a step behind it.
  const auto* const octets = reinterpret_cast<const std::byte*>(data);
  const std::vector<std::byte> block(octets, octets + size);
  walk(block, captured::capture::framing::ethernet);
  walk(block, captured::capture::framing::bare);
  walk(block, captured::capture::framing::cooked);
  return 0;
}
