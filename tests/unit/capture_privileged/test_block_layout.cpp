// SPDX-License-Identifier: MIT
//
// The scripted source imitates the kernel; here the imitation is held against the original.
#include <algorithm>
#include <thread>
#include <vector>

#include "base/bytes.hpp"
#include "capture/packet_ring.hpp"
#include "support/catch.hpp"
#include "support/scripted_source.hpp"
#include "support/veth_pair.hpp"

namespace base = captured::base;
namespace capture = captured::capture;
using captured::test::numbered_frame;
using captured::test::scripted_source;
using captured::test::veth_pair;

namespace {

/// Where things lie in a block: what both kinds of ring must agree on.
struct layout {
  std::vector<std::uint32_t> numbers;

  explicit layout(std::span<const std::byte> block) {
    const auto head = capture::read_block_head(block);
    numbers = {head.packet_count,
               head.first_frame_offset,
               head.used_bytes,
               static_cast<std::uint32_t>(head.sequence),
               base::load_native<std::uint32_t>(block.data()),
               base::load_native<std::uint32_t>(block.data() + 4)};
    std::size_t frame = head.first_frame_offset;
    for (std::uint32_t i = 0; i < head.packet_count; ++i) {
      const auto word = [&](std::size_t at) {
        return base::load_native<std::uint32_t>(block.data() + frame + at);
      };
      const std::uint32_t distance = word(0);
      numbers.insert(numbers.end(), {distance, word(12), word(16), word(24)});
      frame += distance;
    }
  }
};

std::vector<layout> layouts_of(capture::block_source& source) {
  std::vector<layout> seen;
  while (const auto index = source.try_take()) {
    seen.emplace_back(source.block_memory(*index));
    source.release(*index);
  }
  return seen;
}

}  // namespace

TEST_CASE("the tests' own ring lays out and closes its blocks as this kernel does") {
  const auto pair = veth_pair::make();
  if (!pair) {
    return;
  }
  captured::test::run("ip link set send0 mtu 9000 && ip link set ring0 mtu 9000");
  auto options = captured::test::small_ring_options();
  options.ring = {.size_bytes = std::uint64_t{64} * 4096,
                  .block_bytes = 4096,
                  .timeout = std::chrono::milliseconds(200)};
  const auto ring = captured::test::open_ring(pair->ring_end(), options);
  scripted_source scripted({.block_count = 64, .block_bytes = 4096});

  // Sizes that end just below, at and above the end of a block, and larger than a block.
  std::uint32_t number = 0;
  for (const std::uint32_t size :
       {60u,   62u,   1514u, 1900u, 3946u, 3947u, 3950u, 3955u, 3956u, 3957u,
        3963u, 3964u, 3965u, 5000u, 60u,   9000u, 18u,   19u,   20u,   21u}) {
    const auto frame = numbered_frame(number++, size);
    pair->send(frame);
    scripted.produce({.data = frame});
  }
  pair->settle();
  REQUIRE(ring->reject_all().has_value());
  std::this_thread::sleep_for(3 * ring->timeout());
  scripted.retire();
  const auto real = layouts_of(*ring);
  const auto imitated = layouts_of(scripted);
  REQUIRE(real.size() == imitated.size());
  for (std::size_t i = 0; i < real.size(); ++i) {
    INFO("block " << i);
    CHECK(real[i].numbers == imitated[i].numbers);
  }
  CHECK(ring->statistics().packets_total == number);
}
