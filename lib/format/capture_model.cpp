// SPDX-License-Identifier: MIT
#include "format/capture_model.hpp"

#include <array>

namespace captured::format {

std::vector<std::string> describe_peculiarities(const read_counts& counts) {
  struct entry {
    std::uint64_t count;
    const char* what;
  };
  const std::array entries{
      entry{counts.originals_raised, "packets claim to have been shorter than what is there"},
      entry{counts.fractions_carried,
            "packets have a second or more in the fraction of their time"},
      entry{counts.beyond_snaplen, "packets are longer than the snap length of their interface"},
      entry{counts.options_left_out, "options of a wrong length, or repeated, were left out"},
      entry{counts.blocks_left_out, "damaged blocks were left out"},
      entry{counts.sections_left_out, "sections of an unknown version were left out"},
      entry{counts.packets_left_out, "packets of another link type than the first were left out"},
      entry{counts.lengths_not_aligned, "blocks have a length that is no multiple of 4"},
      entry{counts.reserved_bits_set, "file headers have reserved bits set"},
      entry{counts.unknown_kinds, "records have an unknown traffic type or the time 0"},
      entry{counts.times_wrapped, "times were taken to have wrapped around"},
  };
  std::vector<std::string> texts;
  for (const entry& each : entries) {
    if (each.count != 0) {
      texts.push_back(std::to_string(each.count) + " " + each.what);
    }
  }
  return texts;
}

}  // namespace captured::format
