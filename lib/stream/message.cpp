// SPDX-License-Identifier: MIT
#include "stream/message.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include <packet_streaming.pb.h>

namespace captured::stream {

namespace {

constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;
constexpr std::uint32_t nanoseconds_per_microsecond = 1000;
constexpr std::uint32_t link_types_max = 65535;
constexpr std::size_t name_bytes_max = 256;

// Tags of the fields, as protocol buffers have them: number << 3 | kind.
constexpr std::uint32_t kind_number = 0;
constexpr std::uint32_t kind_octets = 2;
constexpr std::uint32_t tag(std::uint32_t field, std::uint32_t kind) {
  return field << 3 | kind;
}

std::size_t varint_bytes(std::uint64_t value) noexcept {
  std::size_t count = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++count;
  }
  return count;
}

std::byte* put_varint(std::byte* out, std::uint64_t value) noexcept {
  while (value >= 0x80) {
    *out++ = static_cast<std::byte>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<std::byte>(value);
  return out;
}

/// Proto3 leaves numbers out that are zero.
std::size_t number_bytes(std::uint32_t field, std::uint64_t value) noexcept {
  return value == 0 ? 0 : varint_bytes(tag(field, kind_number)) + varint_bytes(value);
}

std::byte* put_number(std::byte* out, std::uint32_t field, std::uint64_t value) noexcept {
  return value == 0 ? out : put_varint(put_varint(out, tag(field, kind_number)), value);
}

std::byte* put_octets_head(std::byte* out, std::uint32_t field, std::size_t length) noexcept {
  return put_varint(put_varint(out, tag(field, kind_octets)), length);
}

std::byte* put_octets(std::byte* out, std::uint32_t field, const void* from,
                      std::size_t length) noexcept {
  out = put_octets_head(out, field, length);
  if (length != 0) {
    std::memcpy(out, from, length);
  }
  return out + length;
}

struct header_fields {
  std::uint32_t seconds;
  std::uint32_t microseconds;
  std::uint32_t rest;
};

header_fields split(std::uint64_t time_ns) noexcept {
  const auto below = static_cast<std::uint32_t>(time_ns % nanoseconds_per_second);
  return {static_cast<std::uint32_t>(time_ns / nanoseconds_per_second),
          below / nanoseconds_per_microsecond, below % nanoseconds_per_microsecond};
}

std::byte* put_description(std::byte* out, const interface_description& interface) noexcept {
  const std::string_view name = interface.name.substr(0, name_bytes_max);
  const auto link = static_cast<std::uint32_t>(interface.link);
  const std::size_t name_part = name.empty() ? 0 : 1 + varint_bytes(name.size()) + name.size();
  out = put_octets_head(out, 17, name_part + number_bytes(2, link));
  if (!name.empty()) {
    out = put_octets(out, 1, name.data(), name.size());
  }
  return put_number(out, 2, link);
}

}  // namespace

struct message_decoder::wire {
  packet_streaming::Packet packet;
};

message_decoder::message_decoder() : wire_(std::make_unique<wire>()) {}
message_decoder::~message_decoder() = default;

base::result<packet_message> message_decoder::decode(std::span<const std::byte> octets) {
  packet_streaming::Packet& packet = wire_->packet;
  constexpr auto longest = static_cast<std::size_t>(std::numeric_limits<int>::max());
  if (octets.size() > longest ||
      !packet.ParseFromArray(octets.data(), static_cast<int>(octets.size()))) {
    return base::invalid_input("message", "it is no packet_streaming.Packet");
  }
  const packet_streaming::PacketHeader& header = packet.header();
  const std::string& data = packet.data().data();
  packet_message made;
  made.header_missing = !packet.has_header();
  made.data_missing = !packet.has_data();
  made.length_differs = !made.header_missing && header.caplen() != data.size();
  made.data = std::as_bytes(std::span(data));
  made.original_length = std::max(header.len(), static_cast<std::uint32_t>(data.size()));
  // A peer may say a million microseconds or more: they are carried into the seconds.
  made.time_ns = nanoseconds_per_second * header.ts_sec() +
                 std::uint64_t{nanoseconds_per_microsecond} * header.ts_usec() +
                 std::min(header.ts_nsec_rest(), nanoseconds_per_microsecond - 1);
  made.drops = packet.drops();
  made.interface_id = packet.interface_id();
  if (made.interface_id >= interfaces_max) {
    return base::invalid_input("message",
                               "its interface has the number " + std::to_string(made.interface_id));
  }
  if (packet.has_interface()) {
    const packet_streaming::InterfaceDescription& described = packet.interface();
    if (described.link_type() > link_types_max || described.name().size() > name_bytes_max) {
      return base::invalid_input("message", "the description of its interface is out of bounds");
    }
    made.interface = {.name = described.name(),
                      .link = packet::link_type{static_cast<std::uint16_t>(described.link_type())}};
  }
  return made;
}

std::size_t encode_message(std::byte* out, const packet_message& packet) noexcept {
  const std::byte* const begin = out;
  const header_fields time = split(packet.time_ns);
  const std::size_t captured = packet.data.size();
  const std::size_t header_bytes = number_bytes(1, time.seconds) +
                                   number_bytes(2, time.microseconds) + number_bytes(3, captured) +
                                   number_bytes(4, packet.original_length) +
                                   number_bytes(16, time.rest);
  out = put_octets_head(out, 1, header_bytes);
  out = put_number(out, 1, time.seconds);
  out = put_number(out, 2, time.microseconds);
  out = put_number(out, 3, captured);
  out = put_number(out, 4, packet.original_length);
  out = put_number(out, 16, time.rest);
  const std::size_t data_bytes = captured == 0 ? 0 : 1 + varint_bytes(captured) + captured;
  out = put_octets_head(out, 2, data_bytes);
  if (captured != 0) {
    out = put_octets(out, 1, packet.data.data(), captured);
  }
  out = put_number(out, 16, packet.interface_id);
  if (packet.interface) {
    out = put_description(out, *packet.interface);
  }
  out = put_number(out, 18, packet.drops);
  return static_cast<std::size_t>(out - begin);
}

std::string encode_description(const interface_description& interface) {
  std::array<std::byte, message_bytes_max(0, name_bytes_max)> room;
  const std::byte* const end = put_description(room.data(), interface);
  return {reinterpret_cast<const char*>(room.data()), static_cast<std::size_t>(end - room.data())};
}

}  // namespace captured::stream
