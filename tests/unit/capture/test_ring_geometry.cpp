// SPDX-License-Identifier: MIT
#include "capture/ring_geometry.hpp"
#include "support/catch.hpp"

namespace capture = captured::capture;
using capture::ring_geometry;
using capture::ring_options;

namespace {
std::string why_not(const ring_options& options) {
  auto request = ring_geometry(options, "eth0");
  return request ? "accepted" : request.error().message();
}
}  // namespace

TEST_CASE("sizes are worded in the largest unit that divides them") {
  CHECK(capture::size_text(0) == "0 B");
  CHECK(capture::size_text(4095) == "4095 B");
  CHECK(capture::size_text(4096) == "4 KiB");
  CHECK(capture::size_text(std::uint64_t{64} << 20) == "64 MiB");
  CHECK(capture::size_text(std::uint64_t{1536} << 20) == "1536 MiB");
  CHECK(capture::size_text(std::uint64_t{2048} << 40) == "2048 TiB");
}

TEST_CASE("the default ring is 64 blocks of 1 MiB") {
  const auto request = ring_geometry({}, "eth0").value();
  CHECK(request.tp_block_size == 1u << 20);
  CHECK(request.tp_block_nr == 64);
  CHECK(request.tp_retire_blk_tov == 100);
}

TEST_CASE("the number of frames is what the kernel computes from blocks and frame size") {
  for (const std::uint32_t block : {4096u, 65536u, 1u << 22}) {
    const auto request = ring_geometry({.size_bytes = 10ull * block, .block_bytes = block}, "e");
    REQUIRE(request.has_value());
    CHECK(request->tp_frame_nr ==
          request->tp_block_size / request->tp_frame_size * request->tp_block_nr);
    CHECK(request->tp_frame_size % TPACKET_ALIGNMENT == 0);
  }
}

TEST_CASE("an impossible geometry is refused with the thing, the act and the cause") {
  CHECK(why_not({.size_bytes = 8192, .block_bytes = 2048}) ==
        "open ring of 8 KiB on eth0: a block of 2 KiB is not a power of two of at least 4 KiB");
  CHECK(why_not({.size_bytes = 24576, .block_bytes = 12288}) ==
        "open ring of 24 KiB on eth0: a block of 12 KiB is not a power of two of at least 4 KiB");
  CHECK(why_not({.size_bytes = 8192, .block_bytes = 0}) ==
        "open ring of 8 KiB on eth0: a block of 0 B is not a power of two of at least 4 KiB");
  CHECK(why_not({.size_bytes = 10000, .block_bytes = 4096}) ==
        "open ring of 10000 B on eth0: the size is not a multiple of the block, 4 KiB");
  CHECK(why_not({.size_bytes = 4096, .block_bytes = 4096}) ==
        "open ring of 4 KiB on eth0: at least two blocks of 4 KiB are needed");
  CHECK(why_not({.size_bytes = 0, .block_bytes = 4096}) ==
        "open ring of 0 B on eth0: at least two blocks of 4 KiB are needed");
  CHECK(why_not({.size_bytes = std::uint64_t{1} << 60, .block_bytes = 4096}) ==
        "open ring of 1048576 TiB on eth0: too many blocks of 4 KiB");
}

TEST_CASE("a timeout that the kernel would replace or misread is refused") {
  using std::chrono::milliseconds;
  CHECK(why_not({.timeout = milliseconds{0}}) ==
        "open ring of 64 MiB on eth0: a timeout of 0 ms is out of range");
  CHECK(why_not({.timeout = milliseconds{-1}}) ==
        "open ring of 64 MiB on eth0: a timeout of -1 ms is out of range");
  CHECK(why_not({.timeout = milliseconds{std::int64_t{1} << 32}}) ==
        "open ring of 64 MiB on eth0: a timeout of 4294967296 ms is out of range");
  CHECK(why_not({.timeout = milliseconds{1}}) == "accepted");
}
