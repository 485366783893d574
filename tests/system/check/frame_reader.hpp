// SPDX-License-Identifier: MIT
//
// Knows a numbered frame again (support/numbered_frame.h) and compares its octets with what its
// number says they must be.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace captured::check {

struct numbered_frame {
  bool known = false;  ///< false: no numbered frame, or cut before its number; the rest is empty
  std::uint32_t stream = 0;
  std::uint64_t number = 0;
  std::uint16_t destination_port = 0;
  std::uint64_t tags = 0;          ///< TPID and TCI of the outer tag, then those of the inner
  std::uint32_t whole_length = 0;  ///< what the IP header says the frame had, tags included
  bool content_right = false;      ///< as far as it was captured
};

numbered_frame read_frame(std::span<const std::uint8_t> octets);

/// "0x88a8:3:100/0x8100:5:7" as send_frames takes them, "" for none.
std::string describe_tags(std::uint64_t tags);

}  // namespace captured::check
