// SPDX-License-Identifier: MIT
#include "check/frame_reader.hpp"

#include <array>
#include <cstdio>
#include <cstring>

#include <endian.h>

#include "support/numbered_frame.h"

namespace captured::check {
namespace {

using octets = std::span<const std::uint8_t>;

template <class T>
T read(octets from, std::size_t at) {
  T value{};
  std::memcpy(&value, from.data() + at, sizeof value);
  return value;
}

std::uint16_t read_16(octets from, std::size_t at) {
  return be16toh(read<std::uint16_t>(from, at));
}

bool is_tag(std::uint16_t type) {
  return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

std::array<std::uint8_t, numbered_stride_bytes> make_filler() {
  std::array<std::uint8_t, numbered_stride_bytes> filler{};
  for (std::uint32_t i = 0; i < filler.size(); ++i) {
    filler[i] = static_cast<std::uint8_t>(numbered_filler(i));
  }
  return filler;
}

bool is_filler(octets payload, std::size_t begin, std::size_t end) {
  static const auto filler = make_filler();
  end = std::min(end, payload.size());
  return begin >= end ||
         std::memcmp(payload.data() + begin, filler.data() + begin % numbered_stride_bytes,
                     end - begin) == 0;
}

// A stride is filler and a word; the first begins with the mark. A word stands only where the
// whole frame had room for it, and is looked at only if it was captured whole.
bool content_right(octets payload, std::size_t whole_bytes, std::uint32_t stream,
                   std::uint64_t number) {
  for (std::size_t at = 0; at < payload.size(); at += numbered_stride_bytes) {
    const std::size_t word = at + numbered_word_in_stride;
    const std::size_t begin = at == 0 ? std::size_t{numbered_mark_bytes} : at;
    const bool has_word = word + 8 <= whole_bytes;
    if (!is_filler(payload, begin, has_word ? word : at + numbered_stride_bytes)) {
      return false;
    }
    if (has_word && word + 8 <= payload.size() &&
        be64toh(read<std::uint64_t>(payload, word)) !=
            numbered_word(stream, number, static_cast<__u32>(word))) {
      return false;
    }
  }
  return true;
}

}  // namespace

numbered_frame read_frame(octets frame) {
  numbered_frame found;
  std::size_t at = 12;
  while (at + 4 <= frame.size() && at < 20 && is_tag(read_16(frame, at))) {
    found.tags =
        found.tags << 32 | std::uint64_t{read_16(frame, at)} << 16 | read_16(frame, at + 2);
    at += 4;
  }
  const std::size_t ip = at + 2;
  const std::size_t payload_at = ip + 28;
  if (payload_at + numbered_mark_bytes > frame.size() || read_16(frame, at) != 0x0800 ||
      frame[ip] != 0x45 || frame[ip + 9] != 17) {
    return {};
  }
  const octets payload = frame.subspan(payload_at);
  if (be32toh(read<std::uint32_t>(payload, 0)) != numbered_magic) {
    return {};
  }
  found.known = true;
  found.destination_port = read_16(frame, ip + 22);
  found.stream = be32toh(read<std::uint32_t>(payload, 4));
  found.number = be64toh(read<std::uint64_t>(payload, 8));
  const std::size_t ip_bytes = read_16(frame, ip + 2);
  found.whole_length = static_cast<std::uint32_t>(ip + ip_bytes);
  found.content_right = ip_bytes >= 28 + numbered_mark_bytes &&
                        content_right(payload, ip_bytes - 28, found.stream, found.number);
  return found;
}

std::string describe_tags(std::uint64_t tags) {
  std::string said;
  for (const auto tag :
       {static_cast<std::uint32_t>(tags >> 32), static_cast<std::uint32_t>(tags)}) {
    if (tag != 0) {
      std::array<char, 32> one{};
      std::snprintf(one.data(), one.size(), "%s0x%04x:%u:%u", said.empty() ? "" : "/", tag >> 16,
                    (tag >> 13) & 7, tag & 0xfff);
      said += one.data();
    }
  }
  return said;
}

}  // namespace captured::check
