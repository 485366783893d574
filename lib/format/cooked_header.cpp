// SPDX-License-Identifier: MIT
#include "format/cooked_header.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "packet/packet_view.hpp"

namespace captured::format {
namespace {

using base::load_big;
using base::store_big;

constexpr std::size_t ethernet_header_bytes = 14;

std::array<std::uint8_t, 8> address_from(const std::byte* from, std::size_t length) {
  std::array<std::uint8_t, 8> address{};
  std::transform(from, from + std::min(length, address.size()), address.begin(),
                 [](std::byte octet) { return std::to_integer<std::uint8_t>(octet); });
  return address;
}

void store_address(std::byte* to, const cooked_header& header) {
  const std::size_t length = std::min<std::size_t>(header.address_length, header.address.size());
  for (std::size_t i = 0; i < header.address.size(); ++i) {
    to[i] = i < length ? std::byte{header.address[i]} : std::byte{0};
  }
}

/// The kernel's packet type from what the packet says of its reception, else from the address.
std::uint8_t packet_type_of(const capture_packet& packet) {
  namespace flags = packet::flags;
  constexpr std::uint8_t to_us = 0;
  constexpr std::uint8_t broadcast = 1;
  constexpr std::uint8_t multicast = 2;
  constexpr std::uint8_t to_others = 3;
  constexpr std::uint8_t from_us = 4;
  if ((packet.packet_flags & flags::direction_mask) == flags::outbound) {
    return from_us;
  }
  switch (packet.packet_flags & flags::reception_mask) {
    case flags::broadcast:
      return broadcast;
    case flags::multicast:
      return multicast;
    case flags::promiscuous:
      return to_others;
    case flags::unicast:
      return to_us;
    default:
      break;
  }
  const auto address = packet.data.first(6);
  const bool all_ones = std::all_of(address.begin(), address.end(),
                                    [](std::byte octet) { return octet == std::byte{0xFF}; });
  if (all_ones) {
    return broadcast;
  }
  return (address[0] & std::byte{1}) != std::byte{0} ? multicast : to_us;
}

cooked_header from_ethernet(const capture_packet& packet) {
  cooked_header header;
  header.packet_type = packet_type_of(packet);
  header.address_length = 6;
  header.address = address_from(packet.data.data() + 6, 6);
  header.protocol = load_big<std::uint16_t>(packet.data.data() + 12);
  // Below this it is a length, and an LLC header follows.
  constexpr std::uint16_t ethertype_min = 0x0600;
  constexpr std::uint16_t linux_802_3 = 1;  // Novell's raw 802.3: IPX without LLC
  constexpr std::uint16_t linux_802_2 = 4;
  constexpr auto ones = std::byte{0xFF};
  if (header.protocol < ethertype_min) {
    const auto payload = packet.data.subspan(ethernet_header_bytes);
    const bool raw = payload.size() >= 2 && payload[0] == ones && payload[1] == ones;
    header.protocol = raw ? linux_802_3 : linux_802_2;
  }
  return header;
}

}  // namespace

std::optional<cooked_header> sll_reader::read(std::span<const std::byte> packet) noexcept {
  if (packet.size() < sll_header_bytes) {
    return std::nullopt;
  }
  constexpr std::uint16_t big_length_max = 255;
  constexpr std::uint16_t swapped_length_max = 32;
  constexpr std::uint16_t packet_type_max = 4;
  auto type = load_big<std::uint16_t>(packet.data());
  auto arphrd = load_big<std::uint16_t>(packet.data() + 2);
  auto length = load_big<std::uint16_t>(packet.data() + 4);
  if (length > big_length_max && base::byte_swap(length) <= swapped_length_max) {
    swapped_ = true;
  } else if (length != 0) {
    swapped_ = false;
  } else if (type != 0) {
    swapped_ = type > packet_type_max && base::byte_swap(type) <= packet_type_max;
  }
  if (swapped_) {
    type = base::byte_swap(type);
    arphrd = base::byte_swap(arphrd);
    length = base::byte_swap(length);
    ++swapped_count_;
  }
  return cooked_header{.packet_type = static_cast<std::uint8_t>(type),
                       .arphrd = arphrd,
                       .address_length = length,
                       .address = address_from(packet.data() + 6, length),
                       .protocol = load_big<std::uint16_t>(packet.data() + 14)};
}

std::optional<cooked_header> read_sll2(std::span<const std::byte> packet) noexcept {
  if (packet.size() < sll2_header_bytes) {
    return std::nullopt;
  }
  const auto length = std::to_integer<std::uint16_t>(packet[11]);
  return cooked_header{.packet_type = std::to_integer<std::uint8_t>(packet[10]),
                       .arphrd = load_big<std::uint16_t>(packet.data() + 8),
                       .address_length = length,
                       .address = address_from(packet.data() + 12, length),
                       .protocol = load_big<std::uint16_t>(packet.data()),
                       .interface_index = load_big<std::uint32_t>(packet.data() + 4)};
}

void write_sll(std::span<std::byte, sll_header_bytes> out, const cooked_header& header) noexcept {
  store_big(out.data(), std::uint16_t{header.packet_type});
  store_big(out.data() + 2, header.arphrd);
  store_big(out.data() + 4, header.address_length);
  store_address(out.data() + 6, header);
  store_big(out.data() + 14, header.protocol);
}

void write_sll2(std::span<std::byte, sll2_header_bytes> out, const cooked_header& header) noexcept {
  constexpr std::uint16_t length_max = 255;
  store_big(out.data(), header.protocol);
  store_big(out.data() + 2, std::uint16_t{0});
  store_big(out.data() + 4, header.interface_index);
  store_big(out.data() + 8, header.arphrd);
  out[10] = std::byte{header.packet_type};
  out[11] = static_cast<std::byte>(std::min(header.address_length, length_max));
  store_address(out.data() + 12, header);
}

bool cooked_converter::convert(capture_packet& packet) {
  std::optional<cooked_header> header;
  std::size_t old_bytes = 0;
  if (packet.link == packet::link_type::linux_sll) {
    header = sll_.read(packet.data);
    old_bytes = sll_header_bytes;
  } else if (packet.link == packet::link_type::linux_sll2) {
    header = read_sll2(packet.data);
    old_bytes = sll2_header_bytes;
  } else if (packet.link == packet::link_type::ethernet &&
             packet.data.size() >= ethernet_header_bytes) {
    header = from_ethernet(packet);
    old_bytes = ethernet_header_bytes;
  }
  if (!header) {
    return false;
  }
  const bool version_1 = wanted_ == packet::link_type::linux_sll;
  const std::size_t new_bytes = version_1 ? sll_header_bytes : sll2_header_bytes;
  const auto payload = packet.data.subspan(old_bytes);
  octets_.resize(new_bytes + payload.size());
  if (version_1) {
    write_sll(std::span(octets_).first<sll_header_bytes>(), *header);
  } else {
    write_sll2(std::span(octets_).first<sll2_header_bytes>(), *header);
  }
  std::copy(payload.begin(), payload.end(),
            octets_.begin() + static_cast<std::ptrdiff_t>(new_bytes));
  packet.original_length =
      static_cast<std::uint32_t>(packet.original_length - old_bytes + new_bytes);
  packet.data = octets_;
  packet.record = {};  // the packet is no longer what lies in the file
  packet.link = wanted_;
  return true;
}

}  // namespace captured::format
