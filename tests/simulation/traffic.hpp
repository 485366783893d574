// SPDX-License-Identifier: MIT
//
// What has been sent to an interface: the truth that files and ledger are held against. Every
// packet that its filter accepted has a number, those that the ring dropped too.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace captured::simulation {

/// The interface stands in the upper bits of a frame's number.
inline constexpr std::uint32_t number_bits = 26;
inline constexpr std::uint32_t number_mask = (1u << number_bits) - 1;

enum class packet_fate : std::uint8_t {
  accepted,   ///< in a block of the ring
  dropped,    ///< counted by the ring
  published,  ///< of the accepted: was seen where nothing may take it away any more
};

struct traffic {
  std::string name;
  std::vector<packet_fate> packets;  ///< by number
  std::vector<std::uint32_t> rings;  ///< first number of each ring's life
  std::uint64_t dropped = 0;
  bool has_loose_drops =
      false;  ///< drops that did not come of a full ring: their place is not told
};

/// A time in which the figures of an interface went on: from the start of a process to its end.
struct account {
  std::uint32_t first = 0;  ///< number of its first packet
  std::uint32_t end = 0;
  std::uint64_t stored = 0;  ///< as the ledger had it at the end
  bool is_settled = false;   ///< the output ended as it should: all that is stored is in files
  bool is_unproven = false;  ///< but the device has refused some of it
};

/// A frame found in a file.
struct found_frame {
  std::uint32_t number = 0;  ///< with the interface
  std::uint64_t dropcount = 0;
};

}  // namespace captured::simulation
