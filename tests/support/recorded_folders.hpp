// SPDX-License-Identifier: MIT
//
// What tests of a recorder with two folders share: traffic, and what the finished files say.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "format/octet_source.hpp"
#include "format/verification.hpp"
#include "support/recorder_rig.hpp"

namespace captured::test {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

inline rig_options with_fallback() {
  rig_options options;
  options.has_fallback = true;
  options.output.files.preallocate = false;
  options.output.files.rotate.interval = 0s;
  options.output.files.retain = {0, 0, 0, 0s, 0};
  options.output.flush_interval = 50ms;
  options.ring.block_count = 256;
  return options;
}

/// Some traffic over some time.
inline void record(recorder_rig& rig, int turns = 20) {
  for (int i = 0; i < turns; ++i) {
    produce(rig, 5);
    rig.retire();
    rig.pass(200ms);
  }
}

/// All finished files of both places as `capturectl verify` sees them.
inline std::vector<format::file_report> reports(recorder_rig& rig) {
  std::vector<format::file_report> found;
  for (std::uint32_t place = 0; place < storage::places_max; ++place) {
    for (const std::string& name : rig.disk(place).names()) {
      if (name.ends_with(".pcapng")) {
        format::memory_source octets(*rig.disk(place).contents(name));
        found.push_back(format::verify_file(name, octets));
      }
    }
  }
  return found;
}

/// Faults and losses in the files and between them.
inline std::vector<std::string> complaints(recorder_rig& rig) {
  const auto files = reports(rig);
  std::vector<std::string> found;
  const auto add = [&found](const format::finding& one) {
    if (one.level != format::severity::note) {
      found.push_back(one.file + ": " + one.text);
    }
  };
  for (const auto& file : files) {
    std::for_each(file.findings.begin(), file.findings.end(), add);
  }
  const auto between = format::verify_chains(files);
  std::for_each(between.begin(), between.end(), add);
  return found;
}

inline std::uint64_t packets_in(recorder_rig& rig) {
  std::uint64_t sum = 0;
  for (const auto& file : reports(rig)) {
    sum += file.packets;
  }
  return sum;
}

/// Those of files that were left open, up to the first gap.
inline std::uint64_t packets_in_parts(recorder_rig& rig) {
  std::uint64_t sum = 0;
  for (std::uint32_t place = 0; place < storage::places_max; ++place) {
    for (const std::string& name : rig.disk(place).names()) {
      sum +=
          name.ends_with(".pcapng.part") ? read_file(*rig.disk(place).contents(name)).packets : 0;
    }
  }
  return sum;
}

/// What finished files have wrong in themselves.
inline strings faults(recorder_rig& rig) {
  strings found;
  for (const auto& file : reports(rig)) {
    for (const auto& one : file.findings) {
      if (one.level != format::severity::note) {
        found.push_back(one.file + ": " + one.text);
      }
    }
  }
  return found;
}

}  // namespace captured::test
