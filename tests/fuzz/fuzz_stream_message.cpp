// SPDX-License-Identifier: MIT
//
// Messages of a stream as a peer may send them, one behind the other, each with its length in two
// octets before it; what is read goes into a file in memory, as `capturectl receive` writes it.
#include <vector>

#include "format/pcapng_writer.hpp"
#include "stream/message.hpp"

using namespace captured;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  stream::message_decoder decoder;
  format::memory_sink sink;
  format::pcapng_writer writer(sink);
  writer.begin_section({});
  const std::uint32_t id = writer.add_interface({});
  auto octets = std::as_bytes(std::span(data, size));
  while (octets.size() >= 2) {
    const std::size_t wanted =
        std::to_integer<std::size_t>(octets[0]) | std::to_integer<std::size_t>(octets[1]) << 8U;
    octets = octets.subspan(2);
    const auto message = octets.first(std::min(wanted, octets.size()));
    octets = octets.subspan(message.size());
    const auto packet = decoder.decode(message);
    if (!packet) {
      continue;
    }
    format::capture_packet made;
    made.time = packet->time_ns;
    made.data = packet->data;
    made.original_length = packet->original_length;
    writer.add_packet(made, id, false);
    // What was understood must survive being said again.
    std::vector<std::byte> again(stream::message_bytes_max(
        packet->data.size(), packet->interface ? packet->interface->name.size() : 0));
    again.resize(stream::encode_message(again.data(), *packet));
    const std::uint64_t time = packet->time_ns;
    const std::size_t length = packet->data.size();
    const auto back = decoder.decode(again);
    if (!back || back->time_ns != time || back->data.size() != length) {
      __builtin_trap();
    }
  }
  (void)writer.flush();
  return 0;
}
