// SPDX-License-Identifier: MIT
#include "format/packet_block_encoder.hpp"
#include "format/recording_note.hpp"
#include "pipeline/unwritten.hpp"
#include "support/catch.hpp"

namespace format = captured::format;
using captured::pipeline::packets_within;

TEST_CASE("only packets that lie whole within the octets count, by interface") {
  const std::vector<std::byte> data(60);
  const captured::packet::packet_view packet{.data = data, .original_length = 60};
  std::vector<std::byte> octets;
  format::append_filler(octets, 32);
  for (const std::uint32_t interface_id : {1u, 0u, 1u}) {
    const std::size_t at = octets.size();
    octets.resize(at + format::packet_block_bytes(packet, {}, 262144));
    CHECK(format::encode_packet_block(octets.data() + at, interface_id, packet, {}, 262144) > 0);
  }
  for (std::size_t end = 0; end <= octets.size(); ++end) {
    const auto shares = packets_within({octets.data(), end}, 2);
    const std::size_t whole = end < 32 ? 0 : (end - 32) / 92;
    CHECK(shares[0].packets == (whole >= 2 ? 1u : 0u));
    CHECK(shares[1].packets == (whole >= 3 ? 2u : whole >= 1 ? 1u : 0u));
    CHECK(shares[1].octets == 60u * shares[1].packets);
  }
}
