// SPDX-License-Identifier: MIT
#include <array>
#include <initializer_list>
#include <string>
#include <vector>

#include <malloc.h>

#include "stream/message.hpp"
#include "support/catch.hpp"

using namespace captured::stream;
using captured::packet::link_type;

namespace {

std::vector<std::byte> octets(std::initializer_list<int> values) {
  std::vector<std::byte> made;
  for (const int each : values) {
    made.push_back(static_cast<std::byte>(each));
  }
  return made;
}

std::vector<std::byte> encoded(const packet_message& packet) {
  const std::size_t name = packet.interface ? packet.interface->name.size() : 0;
  std::vector<std::byte> made(message_bytes_max(packet.data.size(), name));
  made.resize(encode_message(made.data(), packet));
  return made;
}

// 1519128000.195312 s, 4 octets of 60.
const auto golden =
    octets({0x0a, 0x0e, 0x08, 0xc0, 0x9b, 0xb0, 0xd4, 0x05, 0x10, 0xf0, 0xf5, 0x0b,
            0x18, 0x04, 0x20, 0x3c, 0x12, 0x06, 0x0a, 0x04, 0xde, 0xad, 0xbe, 0xef});

}  // namespace

TEST_CASE("a packet becomes the octets that the original's peers know") {
  const auto data = octets({0xde, 0xad, 0xbe, 0xef});
  CHECK(encoded({.time_ns = 1519128000'195312000, .data = data, .original_length = 60}) == golden);
}

TEST_CASE("the octets of the original's peers become a packet") {
  message_decoder decoder;
  const auto packet = decoder.decode(golden);
  REQUIRE(packet.has_value());
  CHECK(packet->time_ns == 1519128000'195312000);
  CHECK(packet->original_length == 60);
  CHECK(packet->data.size() == 4);
  CHECK(packet->data[3] == std::byte{0xef});
  CHECK_FALSE(packet->interface.has_value());
  CHECK_FALSE(packet->header_missing);
  CHECK_FALSE(packet->data_missing);
  CHECK_FALSE(packet->length_differs);
}

TEST_CASE("nanoseconds, interface and drops survive the way there and back") {
  const std::vector<std::byte> data(1500, std::byte{7});
  const packet_message sent{.time_ns = 4294967295'999999999,
                            .data = data,
                            .original_length = 9000,
                            .interface_id = 300,
                            .interface = interface_description{"eth0", link_type::linux_sll2},
                            .drops = 4'000'000'000};
  message_decoder decoder;
  const auto wire = encoded(sent);
  const auto packet = decoder.decode(wire);
  REQUIRE(packet.has_value());
  CHECK(packet->time_ns == sent.time_ns);
  CHECK(packet->data.size() == data.size());
  CHECK(packet->interface_id == 300);
  REQUIRE(packet->interface);
  CHECK(packet->interface->name == "eth0");
  CHECK(packet->interface->link == link_type::linux_sll2);
  CHECK(packet->drops == 4'000'000'000);
}

TEST_CASE("a description that follows the octets of a message belongs to it") {
  auto wire = golden;
  for (const char each : encode_description({"wlan0", link_type::ieee802_11_radiotap})) {
    wire.push_back(static_cast<std::byte>(each));
  }
  message_decoder decoder;
  const auto packet = decoder.decode(wire);
  REQUIRE(packet.has_value());
  CHECK(packet->data.size() == 4);
  REQUIRE(packet->interface);
  CHECK(packet->interface->name == "wlan0");
  CHECK(packet->interface->link == link_type::ieee802_11_radiotap);
}

TEST_CASE("an empty packet still has its header and its data") {
  const auto wire = encoded({});
  CHECK(wire == octets({0x0a, 0, 0x12, 0}));
  message_decoder decoder;
  const auto packet = decoder.decode(wire);
  REQUIRE(packet.has_value());
  CHECK_FALSE(packet->header_missing);
  CHECK_FALSE(packet->data_missing);
}

TEST_CASE("what is missing in a message is tolerated and told") {
  message_decoder decoder;
  const auto nothing = decoder.decode({});
  REQUIRE(nothing.has_value());
  CHECK(nothing->header_missing);
  CHECK(nothing->data_missing);
  CHECK(nothing->time_ns == 0);
  // The length of the data holds; the original one is raised to it.
  const auto differing =
      decoder.decode(octets({0x0a, 0x04, 0x18, 9, 0x20, 1, 0x12, 4, 0x0a, 2, 1, 2}));
  REQUIRE(differing.has_value());
  CHECK(differing->length_differs);
  CHECK(differing->data.size() == 2);
  CHECK(differing->original_length == 2);
}

TEST_CASE("microseconds beyond a second are carried") {
  message_decoder decoder;
  const auto packet = decoder.decode(octets({0x0a, 0x06, 0x08, 1, 0x10, 0xc0, 0x84, 0x3d}));
  REQUIRE(packet.has_value());
  CHECK(packet->time_ns == 2'000'000'000);
}

TEST_CASE("fields that nobody knows cost no more memory than the message has octets") {
  std::vector<std::byte> wire;
  constexpr std::size_t octets_max = std::size_t{4} << 20;
  while (wire.size() < octets_max) {
    for (const unsigned each : {0x9aU, 0x01U, 0x00U}) {  // field 19: no octets
      wire.push_back(std::byte(each));
    }
  }
  const auto in_use = [] {
    const auto now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
  };
  message_decoder decoder;
  const std::size_t before = in_use();
  REQUIRE(decoder.decode(wire).has_value());
  CHECK(in_use() - before <= 3 * octets_max);
}

TEST_CASE("what is no message, and what cannot be meant, is refused with a reason") {
  message_decoder decoder;
  CHECK_FALSE(decoder.decode(octets({0x0a, 0x7f, 1})).has_value());
  const auto number = decoder.decode(octets({0x80, 0x01, 0xff, 0xff, 0x7f}));
  REQUIRE_FALSE(number.has_value());
  CHECK_THAT(number.error().message(), Catch::Contains("interface"));
  const auto wire = encoded({.interface = interface_description{.name = std::string(300, 'x'),
                                                                .link = link_type::raw_ip}});
  const auto cut = decoder.decode(wire);
  REQUIRE(cut.has_value());
  CHECK(cut->interface->name.size() == 256);
}
