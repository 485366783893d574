// SPDX-License-Identifier: MIT
#include "format/capture_writer.hpp"

#include <array>

namespace captured::format {

std::vector<std::string> describe_losses(const write_counts& counts) {
  struct entry {
    std::uint64_t count;
    const char* what;
  };
  const std::array entries{
      entry{counts.comments, "comments (of packets, interfaces, sections) are gone"},
      entry{counts.flags, "packets lost their direction and kind of reception"},
      entry{counts.dropcounts, "packets no longer tell how many were dropped before them"},
      entry{counts.packet_options, "packets lost other options"},
      entry{counts.options, "unknown options in another byte order are gone"},
      entry{counts.interfaces_merged, "interfaces can no longer be told apart from the first"},
      entry{counts.statistics, "statistics blocks are gone"},
      entry{counts.blocks, "blocks (names, secrets, custom, unknown) are gone"},
      entry{counts.not_copyable, "custom blocks and options that must not be copied are gone"},
      entry{counts.times_cut, "times lost their fraction of a microsecond"},
      entry{counts.times_out_of_range, "times are out of the format's range and became 0"},
      entry{counts.times_wrapped, "times are there modulo 4.29 s only, without a sidecar"},
      entry{counts.times_missing, "packets without a time got the time 0"},
      entry{counts.packets_cut, "packets were cut, being too long for the format"},
      entry{counts.original_lengths, "packets lost their original length"},
      entry{counts.packets_left_out, "packets of another link type were left out"},
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
