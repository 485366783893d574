// SPDX-License-Identifier: MIT
//
// Writes classic pcap, micro- or nanoseconds, little endian, version 2.4 (pcap-savefile(5)). One
// link type a file: that of the first interface, or the one asked for.
#pragma once

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

/// May packets be appended to a file that begins with these octets, as a writer with these options
/// and this interface would write them? The checks of libpcap's pcap_dump_open_append: same magic
/// and byte order, version 2.4, same link-type field, same snap length. With a snap length of 0 the
/// interface wants that of a file without limit.
[[nodiscard]] base::result<> check_pcap_append(std::span<const std::byte> header,
                                               const pcap_options& options,
                                               const interface_description_block& interface);

class pcap_writer final : public capture_writer {
 public:
  /// `append`: no file header is written; check_pcap_append said that it may be done.
  enum class start : std::uint8_t { fresh, append };
  explicit pcap_writer(octet_sink& sink, pcap_options options = {}, start how = start::fresh);

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
  void write_header(const interface_description_block& interface);
  void count_losses(const capture_packet& packet) noexcept;

  output_buffer buffer_;
  pcap_options options_;
  bool has_header_ = false;
  bool keeps_snaplen_ = true;  ///< that of the first interface goes for all of the file
  bool nanoseconds_;
  std::uint32_t interfaces_ = 0;
};

}  // namespace captured::format
