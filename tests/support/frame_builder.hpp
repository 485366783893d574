// SPDX-License-Identifier: MIT
//
// Builds the frames of numbered_frame.h octet by octet for the traffic tools. Not for the code
// under test: nothing in lib may include it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <endian.h>

#include "support/numbered_frame.h"

namespace captured::traffic {

using mac_address = std::array<std::uint8_t, 6>;

/// Private to the tools: locally administered, and nobody's own, so that a receiving host's
/// network stack throws the frame away at once and answers nothing.
inline constexpr mac_address sender_mac{0x02, 0, 0, 0, 0, 0x01};
inline constexpr mac_address nobodys_mac{0x02, 0, 0, 0, 0, 0x02};

struct vlan_tag {
  std::uint16_t tpid = 0x8100;
  std::uint16_t tci = 0;  ///< priority in the top three bits, then DEI, then the id
};

/// Everything about a frame that its number does not decide.
struct frame_shape {
  mac_address destination = nobodys_mac;
  mac_address source = sender_mac;
  std::vector<vlan_tag> tags;  ///< outermost first, at most two
  std::uint32_t stream = 1;
  std::size_t frame_bytes = numbered_frame_bytes_min;  ///< with tags, without checksum (FCS)
};

inline std::size_t tag_bytes(const frame_shape& shape) {
  return 4 * shape.tags.size();
}

/// The least size a shape can have.
inline std::size_t frame_bytes_min(const frame_shape& shape) {
  return numbered_frame_bytes_min + tag_bytes(shape);
}

/// The Internet checksum (RFC 1071) over an even number of octets, as a number.
inline std::uint16_t internet_checksum(std::span<const std::uint8_t> octets) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < octets.size(); i += 2) {
    sum += static_cast<std::uint32_t>(octets[i] << 8 | octets[i + 1]);
  }
  while (sum >> 16 != 0) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(~sum);
}

inline void put_16(std::uint8_t* at, std::size_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

inline void put_32(std::uint8_t* at, std::uint32_t value) {
  value = htobe32(value);
  std::memcpy(at, &value, sizeof value);
}

inline void put_64(std::uint8_t* at, std::uint64_t value) {
  value = htobe64(value);
  std::memcpy(at, &value, sizeof value);
}

/// A frame of this shape with ports, number and words still zero. `frame_bytes` must not be below
/// frame_bytes_min(shape).
inline std::vector<std::uint8_t> make_frame(const frame_shape& shape) {
  std::vector<std::uint8_t> frame(shape.frame_bytes);
  std::uint8_t* at = frame.data();
  std::memcpy(at, shape.destination.data(), 6);
  std::memcpy(at + 6, shape.source.data(), 6);
  at += 12;
  for (const vlan_tag& tag : shape.tags) {
    put_16(at, tag.tpid);
    put_16(at + 2, tag.tci);
    at += 4;
  }
  put_16(at, 0x0800);
  at += 2;
  const std::size_t ip_bytes = shape.frame_bytes - 14 - tag_bytes(shape);
  const std::array<std::uint8_t, 20> ip{0x45, 0, 0,   0,  0, 0, 0x40, 0,  64, 17,
                                        0,    0, 198, 18, 0, 1, 198,  18, 0,  2};
  std::memcpy(at, ip.data(), ip.size());
  put_16(at + 2, ip_bytes);
  put_16(at + 10, internet_checksum({at, ip.size()}));
  at += ip.size();
  put_16(at + 4, ip_bytes - ip.size());
  at += 8;
  const auto payload_bytes = static_cast<std::size_t>(frame.data() + frame.size() - at);
  for (std::size_t i = 0; i < payload_bytes; ++i) {
    at[i] = static_cast<std::uint8_t>(numbered_filler(static_cast<__u32>(i)));
  }
  put_32(at, numbered_magic);
  put_32(at + 4, shape.stream);
  return frame;
}

struct frame_number {
  std::uint64_t number = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
};

/// Writes what depends on the number into a frame made for `shape`.
inline void stamp_frame(std::span<std::uint8_t> frame, const frame_shape& shape,
                        const frame_number& what) {
  std::uint8_t* const payload = frame.data() + numbered_header_bytes + tag_bytes(shape);
  put_16(payload - 8, what.source_port);
  put_16(payload - 6, what.destination_port);
  put_64(payload + 8, what.number);
  const auto payload_bytes = static_cast<__u32>(frame.data() + frame.size() - payload);
  for (__u32 at = numbered_word_in_stride; at + 8 <= payload_bytes; at += numbered_stride_bytes) {
    put_64(payload + at, numbered_word(shape.stream, what.number, at));
  }
}

}  // namespace captured::traffic
