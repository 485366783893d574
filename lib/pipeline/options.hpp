// SPDX-License-Identifier: MIT
//
// What can be chosen for one output beyond its files: their format, how packets are encoded and how
// often the file is brought up to date. Defaults are those of the shipped configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "storage/options.hpp"

namespace captured::pipeline {

/// What files are made of. Those other than pcapng are a head and records: they hold packets alone,
/// of one link type, and pcap files those of one interface.
enum class file_format : std::uint8_t {
  pcapng,
  pcap,       ///< microseconds
  pcap_nano,  ///< nanoseconds
  lpcap,      ///< with a sidecar for whole times, names, and lengths of packets that were cut
};

/// What finished files of the format are called behind their stem.
[[nodiscard]] constexpr std::string_view extension_of(file_format format) noexcept {
  switch (format) {
    case file_format::pcap:
    case file_format::pcap_nano:
      return ".pcap";
    case file_format::lpcap:
      return ".lpcap";
    case file_format::pcapng:
      break;
  }
  return ".pcapng";
}

enum class encoding : std::uint8_t {
  automatic,  ///< for each block by its average packet size
  compact,    ///< packets are copied into a buffer: fewest octets in the file
  in_place,   ///< the ring block becomes the file's content as it lies: least work
};

/// Interfaces of different link types in one output.
enum class link_type_policy : std::uint8_t {
  mixed,  ///< one series of files for all; Wireshark reads it, libpcap does not
  split,  ///< one series of files for each link type
};

struct output_options {
  storage::output_options files;
  file_format format = file_format::pcapng;
  std::chrono::milliseconds statistics_interval{10'000};  ///< between statistics blocks
  std::chrono::milliseconds flush_interval{1'000};        ///< longest time a packet is held back
  pipeline::encoding encoding = encoding::automatic;
  link_type_policy link_types = link_type_policy::mixed;

  friend bool operator==(const output_options&, const output_options&) = default;
};

}  // namespace captured::pipeline
