// SPDX-License-Identifier: MIT
#include "format/packet_block_encoder.hpp"
#include "format/recording_note.hpp"
#include "pipeline/unwritten.hpp"
#include "support/catch.hpp"

namespace format = captured::format;
using captured::pipeline::packets_within;

TEST_CASE("only packets that lie whole within the octets count, by port") {
  const std::vector<std::byte> data(60);
  const captured::packet::packet_view packet{.data = data, .original_length = 60};
  std::vector<std::byte> octets;
  format::append_filler(octets, 32);
  for (const std::uint32_t interface_id : {1u, 0u, 1u}) {
    const std::size_t at = octets.size();
    octets.resize(at + format::packet_block_bytes(packet, {}, 262144));
    CHECK(format::encode_packet_block(octets.data() + at, interface_id, packet, {}, 262144) > 0);
  }
  const std::vector<captured::pipeline::chunk_run> runs{{7, 1, 60}, {4, 2, 120}};
  for (std::size_t end = 0; end <= octets.size(); ++end) {
    const auto found = packets_within({octets.data(), end}, runs);
    const std::size_t whole = end < 32 ? 0 : (end - 32) / 92;
    REQUIRE(found.size() == std::min<std::size_t>(whole, 2));
    if (whole >= 1) {
      CHECK(found[0].port == 7);
      CHECK(found[0].packets == 1);
      CHECK(found[0].octets == 60);
    }
    if (whole >= 2) {
      CHECK(found[1].port == 4);
      CHECK(found[1].packets == whole - 1);
      CHECK(found[1].octets == 60 * (whole - 1));
    }
  }
}
