// SPDX-License-Identifier: MIT
#include "format/block_walker.hpp"

#include <algorithm>

namespace captured::format {
namespace {

constexpr std::uint32_t section_header_bytes_min = 28;

}  // namespace

const char* describe(block_problem problem) noexcept {
  switch (problem) {
    case block_problem::none:
      return "nothing is wrong";
    case block_problem::no_section_header:
      return "the file does not begin with a section header";
    case block_problem::wrong_magic:
      return "the section header has no byte-order magic";
    case block_problem::too_short:
      return "the length of the block is below what such a block needs";
    case block_problem::not_aligned:
      return "the length of the block is not a multiple of 4";
    case block_problem::too_long:
      return "the length of the block is above the limit";
    case block_problem::trailer_differs:
      return "the length behind the block is not the one before it";
  }
  return "unknown problem";
}

block_walker::step block_walker::next(std::span<const std::byte> ahead) noexcept {
  constexpr std::size_t head_bytes = 8;
  constexpr std::size_t section_head_bytes = 12;
  const auto damaged = [](block_problem problem) {
    return step{.what = status::damaged, .block = {}, .octets_needed = 0, .problem = problem};
  };
  const auto needs = [](std::size_t octets) {
    return step{.what = status::more_needed, .block = {}, .octets_needed = octets};
  };

  if (ahead.size() < head_bytes) {
    return needs(head_bytes);
  }
  const auto type = load<std::uint32_t>(ahead.data(), order_);
  byte_order order = order_;
  if (type == block_type::section_header) {
    // The length can only be understood after the magic that follows it.
    if (ahead.size() < section_head_bytes) {
      return needs(section_head_bytes);
    }
    order = byte_order::little;
    if (base::load_big<std::uint32_t>(ahead.data() + head_bytes) == byte_order_magic) {
      order = byte_order::big;
    } else if (base::load_little<std::uint32_t>(ahead.data() + head_bytes) != byte_order_magic) {
      return damaged(block_problem::wrong_magic);
    }
  } else if (!begun_) {
    return damaged(block_problem::no_section_header);
  }

  const auto total = load<std::uint32_t>(ahead.data() + 4, order);
  if (const block_problem problem = check_length(type, total); problem != block_problem::none) {
    return damaged(problem);
  }
  if (ahead.size() < total) {
    return needs(total);
  }
  std::size_t step_bytes = total;
  if (load<std::uint32_t>(ahead.data() + total - 4, order) != total) {
    const std::size_t padded = base::align_up<std::size_t>(total, 4);
    if (padded == total) {
      return damaged(block_problem::trailer_differs);
    }
    if (ahead.size() < padded) {
      return needs(padded);
    }
    if (load<std::uint32_t>(ahead.data() + padded - 4, order) != total) {
      return damaged(block_problem::trailer_differs);
    }
    step_bytes = padded;
  }

  const block_view block{.type = type,
                         .order = order,
                         .offset = offset_,
                         .total_bytes = total,
                         .body = ahead.subspan(head_bytes, step_bytes - block_overhead_bytes)};
  offset_ += step_bytes;
  order_ = order;
  begun_ = true;
  return {.what = status::block, .block = block};
}

block_problem block_walker::check_length(std::uint32_t type, std::uint32_t total) const noexcept {
  const bool section = type == block_type::section_header;
  const std::uint32_t least =
      section ? section_header_bytes_min : static_cast<std::uint32_t>(block_overhead_bytes);
  const std::uint32_t most = section ? std::min(section_header_bytes_max, bytes_max_) : bytes_max_;
  if (total < least) {
    return block_problem::too_short;
  }
  if (total % 4 != 0 && alignment_ == block_alignment::needed) {
    return block_problem::not_aligned;
  }
  return total > most ? block_problem::too_long : block_problem::none;
}

}  // namespace captured::format
