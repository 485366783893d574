// SPDX-License-Identifier: MIT
//
// Turns the packets of a held ring block into pcapng where they lie, so that the block can be
// written to a file as it is and no packet is copied. Runs for each packet: no call to the system,
// no allocation, no lock, no log line. Not for small packets, whose ring frames are much longer
// than their packet blocks: those are copied (block_encoder.hpp).
//
//   ring     | descriptor 48 | frame head 84 | packet | pad | frame head 84 | packet | … unused …
//   in place | head block ········ | EPB head 28 | packet | options ··· | EPB head 28 | … filler |
//
// A packet block ends where the next begins; the gap between two packets, some 50 octets, holds its
// options and a custom option of zeros that fills the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "capture/framing.hpp"
#include "format/packet_block_encoder.hpp"

namespace captured::pipeline {

/// What direct writes want: their offset and their length are multiples of it.
inline constexpr std::size_t write_alignment = 4096;

/// For whom a block is encoded, and what is to be said in it.
struct in_place_target {
  std::uint32_t interface_id = 0;           ///< of the file's section
  std::uint32_t snaplen = 0;                ///< as in encode_target; not 0
  std::uint32_t queue = format::no_queue;   ///< which ring it came through, when there are several
  std::uint64_t losses = 0;                 ///< drop count of the first packet
  std::span<const std::byte> statistics{};  ///< whole blocks for the head, where they fit
};

/// What has become of a block.
struct in_place_progress {
  std::size_t octets = 0;  ///< to be written, from the block's start: a multiple of write_alignment
  std::size_t used = 0;    ///< of them, all up to the end of the last packet; a filler follows
  std::uint32_t packets = 0;          ///< encoded
  std::uint64_t captured_octets = 0;  ///< of them
  std::uint32_t steps_back = 0;       ///< packets stamped before their predecessor
  std::uint32_t damaged = 0;          ///< packets that could not be reached or have no room
  std::uint64_t losses_left = 0;      ///< of `losses`, what no packet could say
  bool has_statistics = false;        ///< they had room in the head
};

/// Encodes all packets of the block, which consists of pages and begins with the kernel's
/// descriptor, of Ethernet framing. Afterwards it is no ring block any more: only its first
/// `octets` are to be used, and it must then be given back. They hold nothing but this block's
/// packets, what is said of them, and zeros. The status word at offset 8 keeps bit 0 set
/// throughout, so that the kernel keeps away. A block whose octets contradict themselves loses
/// the packets from there on, and nothing outside it is touched; one without any packet gives no
/// octets. `newest_ns` is the stamp of the interface's packet before, and is carried on.
[[nodiscard]] in_place_progress encode_in_place(std::span<std::byte> block,
                                                const in_place_target& target,
                                                std::uint64_t& newest_ns) noexcept;

/// What the choice between in place and compact depends on beside the block itself.
struct in_place_limits {
  std::size_t average_packet_min = 0;  ///< octets; below it the gaps cost more than a copy
  std::uint64_t packets_max = std::numeric_limits<std::uint64_t>::max();  ///< the file's limit
};

/// May this block be encoded in place? Looks at its descriptor and its first frame only, which are
/// the next to be read anyway. The caller sees to it that no change of the description lies inside.
[[nodiscard]] bool fits_in_place(std::span<const std::byte> block, capture::framing form,
                                 const in_place_limits& limits) noexcept;

}  // namespace captured::pipeline
