// SPDX-License-Identifier: MIT
//
// Octets written down as text, and files of ours put together block by block, for the tests of
// formats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "format/packet_block_encoder.hpp"
#include "format/pcapng_blocks.hpp"
#include "format/recording_note.hpp"

namespace captured::test {

using octets = std::vector<std::byte>;

/// "0a 0d" and line breaks; anything that is no hexadecimal digit separates.
inline octets from_hex(std::string_view text) {
  octets result;
  int upper = -1;
  for (const char letter : text) {
    const auto digit = std::string_view("0123456789abcdef").find(letter);
    if (digit == std::string_view::npos) {
      continue;
    }
    if (upper < 0) {
      upper = static_cast<int>(digit);
    } else {
      result.push_back(static_cast<std::byte>(upper << 4 | static_cast<int>(digit)));
      upper = -1;
    }
  }
  return result;
}

/// The frame of the golden vectors: an ARP request of 42 octets.
inline octets arp_frame() {
  return from_hex(
      "ff ff ff ff ff ff 02 00 00 00 00 01 08 06 00 01 08 00 06 04 00 01"
      "02 00 00 00 00 01 0a 00 00 01 00 00 00 00 00 00 0a 00 00 02");
}

inline constexpr std::uint64_t golden_time_ns = 1519128000195312500;

inline packet::packet_view view_of(const octets& data) {
  packet::packet_view packet;
  packet.timestamp_ns = golden_time_ns;
  packet.data = data;
  packet.original_length = static_cast<std::uint32_t>(data.size());
  return packet;
}

inline void append_packet(octets& out, std::uint32_t interface_id,
                          const packet::packet_view& packet,
                          const format::packet_block_extras& extras = {},
                          std::uint32_t snaplen = 262144) {
  const std::size_t at = out.size();
  out.resize(at + format::packet_block_bytes(packet, extras, snaplen));
  const std::size_t written =
      format::encode_packet_block(out.data() + at, interface_id, packet, extras, snaplen);
  if (at + written != out.size()) {
    throw std::logic_error("packet_block_bytes and encode_packet_block do not agree");
  }
}

/// A file of ours with what it says of itself kept true; tests change the parts before `finish`.
class recording_file {
 public:
  explicit recording_file(format::recording_note note) : note_(std::move(note)) {
    totals_ = note_.totals;
    format::section_header_block header;
    header.application = "captured test";
    header.custom.push_back(format::to_option(note_).value());
    format::append(octets_, header);
  }

  std::uint32_t add_interface(const std::string& name) {
    format::interface_description_block description;
    description.name = name;
    format::append(octets_, description);
    names_.push_back(name);
    totals_.try_emplace(name);
    return static_cast<std::uint32_t>(names_.size() - 1);
  }

  void add_packets(std::uint32_t id, std::uint64_t count, std::uint64_t dropcount = 0) {
    const octets frame = arp_frame();
    for (std::uint64_t i = 0; i < count; ++i) {
      append_packet(octets_, id, view_of(frame), {.dropcount = i == 0 ? dropcount : 0});
    }
    totals_[names_[id]].stored += count;
    totals_[names_[id]].osdrop += dropcount;
  }

  void add_statistics(std::uint32_t id) {
    const format::interface_totals& totals = totals_[names_[id]];
    format::interface_statistics_block statistics;
    statistics.interface_id = id;
    statistics.timestamp = golden_time_ns;
    statistics.filter_accept = totals.stored + totals.osdrop + totals.unwritten;
    statistics.os_drop = totals.osdrop;
    statistics.user_deliver = totals.stored;
    format::append(octets_, statistics);
  }

  /// Closes the file and gives its octets.
  octets finish(std::string_view reason = format::end_reason::rotation,
                std::uint64_t lost_octets = 0) {
    format::append(octets_, format::end_note{std::string(reason), totals_, lost_octets});
    return octets_;
  }

  /// The note of the file that follows.
  format::recording_note next_note(const std::string& name) const {
    format::recording_note next = note_;
    ++next.sequence;
    next.previous = name;
    next.totals = totals_;
    return next;
  }

  octets& raw() { return octets_; }
  format::recording_totals& totals() { return totals_; }

 private:
  format::recording_note note_;
  format::recording_totals totals_;
  std::vector<std::string> names_;
  octets octets_;
};

inline format::recording_note first_note() {
  format::recording_note note;
  note.recording = "b2f0a9a4-3b0e-4b6e-9d55-0d3a1a6f8f10";
  note.output = "main";
  note.sequence = 1;
  note.begun_ns = golden_time_ns;
  return note;
}

}  // namespace captured::test
