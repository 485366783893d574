// SPDX-License-Identifier: MIT
//
// Writes classic pcap, micro- or nanoseconds, little endian, version 2.4 (pcap-savefile(5)). One
// link type a file: that of the first interface, or the one asked for.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "format/capture_writer.hpp"

namespace captured::format {

enum class pcap_resolution : std::uint8_t {
  microseconds,
  nanoseconds,
  of_interface,  ///< nanoseconds where the first interface has finer times than microseconds
};

struct pcap_options {
  pcap_resolution resolution = pcap_resolution::microseconds;
  /// 0: that of the input when it is of a format with one interface; else, and where that has no
  /// limit, the most that readers take: 262144, more for a few link types.
  std::uint32_t snaplen = 0;
  /// Packets of other types are left out and counted.
  std::optional<packet::link_type> link;
};

/// A file that is there already, to be appended to.
struct pcap_append {
  std::string name;               ///< for messages
  std::vector<std::byte> header;  ///< its first 24 octets, or as many as there are
};

class pcap_writer final : public capture_writer {
 public:
  /// The sink must outlive it.
  explicit pcap_writer(octet_sink& sink, pcap_options options = {});
  /// Behind what the file holds. The first interface is held to the file's header, with the checks
  /// of libpcap's pcap_dump_open_append: same magic and byte order, version 2.4, same link-type
  /// field, same snap length. If it does not fit, the writer has failed and nothing is written.
  pcap_writer(octet_sink& sink, pcap_options options, pcap_append to);

  void begin_section(const capture_section& section) override;
  std::uint32_t add_interface(const capture_interface& interface) override;
  void add_packet(const capture_packet& packet, std::uint32_t interface_id, bool stable) override;
  void add_statistics(const interface_statistics_block& statistics,
                      std::uint32_t interface_id) override;
  void add_block(capture_item item, const capture_block& block) override;
  [[nodiscard]] base::result<> flush() override;
  [[nodiscard]] bool failed() const noexcept override { return buffer_.failed(); }
  [[nodiscard]] std::uint64_t written() const noexcept override { return buffer_.written(); }

 private:
  [[nodiscard]] std::array<std::byte, 24> header_for(
      const interface_description_block& interface) const;
  [[nodiscard]] base::result<> check_append(const interface_description_block& interface) const;
  void take_first(const interface_description_block& interface);
  void write_header(const interface_description_block& interface);
  void count_losses(const capture_packet& packet) noexcept;

  output_buffer buffer_;
  pcap_options options_;
  std::optional<pcap_append> append_;
  bool has_header_ = false;
  bool keeps_snaplen_ = true;  ///< that of the first interface goes for all of the file
  bool nanoseconds_;
  std::uint32_t interfaces_ = 0;
};

}  // namespace captured::format
