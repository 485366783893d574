// SPDX-License-Identifier: MIT
#include "format/capture_model.hpp"

#include <array>

#include "format/count_meaning.hpp"

namespace captured::format {

std::span<const count_meaning<read_counts>> meanings_of(const read_counts& /*counts*/) {
  using counts = read_counts;
  static constexpr std::array<count_meaning<counts>, 11> meanings{{
      {&counts::originals_raised, "originals_raised",
       "packets claim to have been shorter than what is there"},
      {&counts::fractions_carried, "fractions_carried",
       "packets have a second or more in the fraction of their time"},
      {&counts::beyond_snaplen, "beyond_snaplen",
       "packets are longer than the snap length of their interface"},
      {&counts::options_left_out, "options_left_out",
       "options of a wrong length, or repeated, were left out"},
      {&counts::blocks_left_out, "blocks_left_out", "damaged blocks were left out"},
      {&counts::sections_left_out, "sections_left_out",
       "sections of an unknown version were left out"},
      {&counts::packets_left_out, "packets_left_out",
       "packets of another link type than the first were left out"},
      {&counts::lengths_not_aligned, "lengths_not_aligned",
       "blocks have a length that is no multiple of 4"},
      {&counts::reserved_bits_set, "reserved_bits_set", "file headers have reserved bits set"},
      {&counts::unknown_kinds, "unknown_kinds",
       "records have an unknown traffic type or the time 0"},
      {&counts::times_wrapped, "times_wrapped", "times were taken to have wrapped around"},
  }};
  static_assert(sizeof(counts) == meanings.size() * sizeof(std::uint64_t));
  return meanings;
}

std::vector<std::string> describe_peculiarities(const read_counts& counts) {
  return describe_counts(counts);
}

}  // namespace captured::format
