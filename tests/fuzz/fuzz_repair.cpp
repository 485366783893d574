// SPDX-License-Identifier: MIT
//
// What is repaired can be read to its end, holds the packets that could be read before, and has
// nothing to repair the second time.
#include <cstdlib>

#include "format/capture_reader.hpp"
#include "format/pcapng_writer.hpp"
#include "format/recording_repair.hpp"
#include "format/verification.hpp"

using namespace captured;
using namespace captured::format;

namespace {

struct outcome {
  repair_report report;
  std::vector<std::byte> octets;
};

outcome repair(std::span<const std::byte> octets) {
  memory_sink sink;
  pcapng_writer writer(sink, {.custom = copyability::keep_all});
  capture_reader reader(octets);
  outcome made;
  made.report = repair_capture(reader, writer, octets.size());
  if (!writer.flush()) {
    std::abort();
  }
  made.octets = sink.octets();
  return made;
}

std::uint64_t count_packets(std::span<const std::byte> octets, bool& failed) {
  capture_reader reader(octets);
  std::uint64_t packets = 0;
  capture_item item = reader.next();
  while (item != capture_item::end && item != capture_item::failed) {
    packets += item == capture_item::packet ? 1u : 0u;
    item = reader.next();
  }
  failed = item == capture_item::failed;
  return packets;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto octets = std::as_bytes(std::span(data, size));
  if (is_compression(detect_format(octets))) {
    return 0;  // what comes out may be a thousand times as long; fuzz_decompression looks at it
  }
  bool failed = false;
  const std::uint64_t before = count_packets(octets, failed);
  const outcome first = repair(octets);
  if (first.report.was_whole == failed || first.report.packets != before ||
      first.report.octets_lost > size) {
    std::abort();
  }
  if (first.octets.empty()) {
    return 0;  // not even a section header could be read
  }
  if (count_packets(first.octets, failed) != before || failed) {
    std::abort();
  }
  const outcome second = repair(first.octets);
  if (!second.report.was_whole || !second.report.was_closed || second.report.packets != before) {
    std::abort();
  }
  memory_source source(first.octets);
  static_cast<void>(verify_any_file("repaired.pcapng", source));
  return 0;
}
