// SPDX-License-Identifier: MIT
//
// What can be read is written in every format, and read again: pcapng in either byte order must
// hold the same packets; pcap and lpcap must be readable files.
#include <cstdlib>
#include <vector>

#include "format/capture_copier.hpp"
#include "format/capture_reader.hpp"
#include "format/cooked_header.hpp"
#include "format/lpcap_writer.hpp"
#include "format/pcap_writer.hpp"
#include "format/pcapng_writer.hpp"
#include "format/recording_repair.hpp"

using namespace captured;
using namespace captured::format;

namespace {

constexpr std::uint64_t items_max = 2'000;

struct seen_packet {
  time_ns time = 0;
  std::vector<std::byte> data;
  std::uint32_t original_length = 0;
  bool has_time = true;
  bool operator==(const seen_packet&) const = default;
};

/// Copies into the writer, if there is one, and gives the packets.
std::vector<seen_packet> copy(std::span<const std::byte> octets, capture_writer* to, bool& failed) {
  std::vector<seen_packet> packets;
  capture_reader reader(octets);
  std::optional<capture_copier> copier;
  if (to != nullptr) {
    copier.emplace(*to);
  }
  failed = false;
  for (std::uint64_t items = 0; items < items_max; ++items) {
    const capture_item item = reader.next();
    if (item == capture_item::end || item == capture_item::failed) {
      failed = item == capture_item::failed;
      break;
    }
    if (item == capture_item::packet) {
      const capture_packet& packet = reader.packet();
      packets.push_back({.time = packet.time,
                         .data = {packet.data.begin(), packet.data.end()},
                         .original_length = packet.original_length,
                         .has_time = packet.has_time});
    }
    if (copier) {
      copier->copy(reader, item);
    }
  }
  if (to != nullptr && !to->flush()) {
    std::abort();
  }
  return packets;
}

void check_readable(const memory_sink& sink) {
  bool failed = false;
  static_cast<void>(copy(sink.octets(), nullptr, failed));
  if (failed) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto octets = std::as_bytes(std::span(data, size));
  bool failed = false;
  for (const byte_order order : {byte_order::little, byte_order::big}) {
    memory_sink sink;
    pcapng_writer writer(sink, {.custom = copyability::keep_all, .order = order});
    const auto before = copy(octets, &writer, failed);
    if (before.empty()) {
      break;
    }
    const bool times_fit = writer.counts().times_out_of_range == 0;
    const auto after = copy(sink.octets(), nullptr, failed);
    if (failed || (times_fit && after != before)) {
      std::abort();
    }
  }
  memory_sink pcap;
  pcap_writer pcap_output(pcap, {.resolution = pcap_resolution::of_interface});
  static_cast<void>(copy(octets, &pcap_output, failed));
  check_readable(pcap);
  memory_sink lpcap;
  memory_sink sidecar;
  lpcap_writer lpcap_output(lpcap, &sidecar);
  static_cast<void>(copy(octets, &lpcap_output, failed));
  check_readable(lpcap);

  memory_sink repaired;
  pcapng_writer repair_output(repaired, {.custom = copyability::keep_all});
  capture_reader reader(octets);
  static_cast<void>(repair_capture(reader, repair_output, size));
  return repair_output.flush() ? 0 : 1;
}
