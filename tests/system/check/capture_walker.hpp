// SPDX-License-Identifier: MIT
//
// Walks a pcapng or pcap file block by block for check_frames. Written on purpose without
// lib/format, so that the recorder's reading and writing cannot share an error with its checker. It
// reads files in this machine's byte order only and knows no more of the formats than the checks
// need (draft-ietf-opsawg-pcapng, draft-ietf-opsawg-pcap).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace captured::check {

struct section_record {
  std::string hardware;
  std::string os;
  std::string application;
  std::vector<std::string> comments;
};

struct interface_record {
  std::string name;
  std::string description;
  std::string hardware;
  std::string os;
  std::string filter;
  std::string mac;  ///< "02:00:00:00:00:01"
  std::optional<std::uint64_t> speed;
  std::uint16_t link_type = 0;
  std::uint32_t snaplen = 0;
  std::uint64_t units_per_second = 1'000'000;
  std::vector<std::string> comments;
};

struct packet_record {
  std::uint32_t interface = 0;  ///< in order of appearance within the section
  std::uint64_t offset = 0;     ///< of the block in the file
  std::uint64_t time_ns = 0;
  std::uint32_t original_length = 0;
  std::span<const std::uint8_t> data;
  std::optional<std::uint32_t> flags;
  std::optional<std::uint64_t> dropcount;
  std::optional<std::uint32_t> queue;
};

struct statistics_record {
  std::uint32_t interface = 0;
  std::uint64_t time_ns = 0;
  std::optional<std::uint64_t> start_ns;
  std::optional<std::uint64_t> end_ns;
  std::optional<std::uint64_t> ifrecv;
  std::optional<std::uint64_t> ifdrop;
  std::optional<std::uint64_t> filteraccept;
  std::optional<std::uint64_t> osdrop;
  std::optional<std::uint64_t> usrdeliv;
};

/// Told of everything in the order of the file. References live for the call.
class capture_visitor {
 public:
  virtual ~capture_visitor() = default;
  virtual void on_section(const section_record& section) = 0;
  virtual void on_interface(std::uint32_t id, const interface_record& interface) = 0;
  virtual void on_packet(const packet_record& packet) = 0;
  virtual void on_statistics(const statistics_record& statistics) = 0;
  virtual void on_other_block(std::uint32_t type) = 0;
  /// Something that no well-formed file holds. The walk goes on where it can.
  virtual void on_error(std::uint64_t offset, const std::string& what) = 0;
};

/// Returns the offset up to which whole blocks lie; less than the size when something that is no
/// block follows, which the visitor is told of as an error unless `partial` is set.
struct walk_options {
  bool partial = false;  ///< the file may end anywhere, for it was being written
};
std::uint64_t walk_capture(std::span<const std::uint8_t> file, walk_options options,
                           capture_visitor& visitor);

}  // namespace captured::check
