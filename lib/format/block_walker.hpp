// SPDX-License-Identifier: MIT
//
// Steps through pcapng from block to block (draft-ietf-opsawg-pcapng, section "General Block
// Structure"), in either byte order. It looks at octets the caller holds and reads, waits for and
// allocates nothing; what a block means is for pcapng_parse.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "format/byte_order.hpp"
#include "format/pcapng_codes.hpp"

namespace captured::format {

/// One whole block in the caller's octets; head and trailer agree.
struct block_view {
  std::uint32_t type = 0;
  byte_order order = byte_order::little;  ///< of the section
  std::uint64_t offset = 0;               ///< of its first octet, from the start of the walk
  std::uint32_t total_bytes = 0;          ///< with head and trailer
  std::span<const std::byte> body;        ///< between the two lengths, with options and padding
};

/// What is wrong with the octets at a place where a block should begin.
enum class block_problem : std::uint8_t {
  none,
  no_section_header,  ///< the first block is not a section header
  wrong_magic,        ///< the section header has no byte-order magic
  too_short,          ///< its length is below what any such block needs
  not_aligned,        ///< its length is not a multiple of 4
  too_long,           ///< its length is above the limit
  trailer_differs,    ///< the length behind the block is not the one before it
};

/// "the length behind the block is not the one before it"
[[nodiscard]] const char* describe(block_problem problem) noexcept;

/// Lengths that are not a multiple of 4: the draft forbids them, old files have them.
enum class block_alignment : std::uint8_t {
  needed,  ///< they are damage
  any,     ///< taken when the second length is where it says, or behind the padding
};

class block_walker {
 public:
  enum class status : std::uint8_t { block, more_needed, damaged };
  struct step {
    status what = status::damaged;
    block_view block;                             ///< with status::block
    std::size_t octets_needed = 0;                ///< with status::more_needed: in all
    block_problem problem = block_problem::none;  ///< with status::damaged
  };

  /// Longer blocks than `bytes_max` are damage; the section header has a limit of its own.
  explicit block_walker(std::uint32_t bytes_max = block_bytes_max,
                        block_alignment alignment = block_alignment::needed) noexcept
      : bytes_max_(bytes_max), alignment_(alignment) {}

  /// Looks at the octets ahead, which begin at offset(). After status::block the next call wants
  /// those behind it. octets_needed never exceeds the limit and is checked before it is asked for.
  [[nodiscard]] step next(std::span<const std::byte> ahead) noexcept;

  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }

  /// Goes on behind so many octets, which the caller saw to be whole blocks of the section.
  void step_over(std::uint64_t octets) noexcept { offset_ += octets; }

  /// An enhanced packet block in little endian that is whole in every respect, for a caller that
  /// meets millions of them: its total length, and the walker is behind it. 0 when what is ahead is
  /// anything else, or less than whole, for next() to tell.
  [[nodiscard]] std::uint32_t step_over_packet(std::span<const std::byte> ahead) noexcept {
    constexpr std::uint32_t least = 32;
    if (order_ != byte_order::little || !begun_ || ahead.size() < least ||
        base::load_little<std::uint32_t>(ahead.data()) != block_type::enhanced_packet) {
      return 0;
    }
    const auto total = base::load_little<std::uint32_t>(ahead.data() + 4);
    if (total < least || total % 4 != 0 || total > bytes_max_ || total > ahead.size() ||
        base::load_little<std::uint32_t>(ahead.data() + total - 4) != total) {
      return 0;
    }
    offset_ += total;
    return total;
  }

 private:
  [[nodiscard]] block_problem check_length(std::uint32_t type, std::uint32_t total) const noexcept;

  std::uint32_t bytes_max_;
  block_alignment alignment_;
  std::uint64_t offset_ = 0;
  byte_order order_ = byte_order::little;
  bool begun_ = false;
};

}  // namespace captured::format
