// SPDX-License-Identifier: MIT
#include "daemon/warnings_format.hpp"

#include <spdlog/fmt/fmt.h>

namespace captured::daemon {

namespace {

/// What neither pcap nor lpcap has a place for.
constexpr const char* not_kept =
    "filters and descriptions of interfaces, comments, statistics and drop counts (the status, the "
    "metrics and the log have them), direction and other flags of packets, and the notes by which "
    "verify proves that no file is missing";

}  // namespace

std::string format_remark(const pipeline::output_options& output) {
  using pipeline::file_format;
  const std::string& name = output.files.name;
  switch (output.format) {
    case file_format::pcap:
      return fmt::format(
          "output {}: format: pcap keeps packets with times cut to microseconds, and nothing else. "
          "Not kept: names, {}. Each interface has a series of files of its own",
          name, not_kept);
    case file_format::pcap_nano:
      return fmt::format(
          "output {}: format: pcap-nano keeps packets with their times, and nothing else. Not "
          "kept: names, {}. Each interface has a series of files of its own",
          name, not_kept);
    case file_format::lpcap:
      return fmt::format(
          "output {}: format: lpcap keeps the first 16373 octets of packets; whole times, names of "
          "interfaces and lengths of packets that were cut stand in a sidecar beside each file "
          "(.lpcap.meta). Not kept: {}. Only Ethernet and 802.11 can be recorded, each into a "
          "series of its own",
          name, not_kept);
    case file_format::pcapng:
      break;
  }
  return {};
}

}  // namespace captured::daemon
