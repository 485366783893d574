// SPDX-License-Identifier: MIT
//
// Writes lpcap so that every version of the original reads it, and the sidecar that keeps what it
// cannot hold: whole times, names, original lengths (formats, section "lpcap").
#pragma once

#include <vector>

#include "format/capture_writer.hpp"
#include "format/lpcap_record.hpp"

namespace captured::format {

class lpcap_writer final : public capture_writer {
 public:
  /// Both sinks must outlive it; without a sidecar what it would hold is counted as lost.
  explicit lpcap_writer(octet_sink& sink, octet_sink* sidecar = nullptr);

  void begin_section(const capture_section& section) override;
  std::uint32_t add_interface(const capture_interface& interface) override;
  void add_packet(const capture_packet& packet, std::uint32_t interface_id, bool stable) override;
  void add_statistics(const interface_statistics_block& statistics,
                      std::uint32_t interface_id) override;
  void add_block(capture_item item, const capture_block& block) override;
  [[nodiscard]] base::result<> flush() override;
  [[nodiscard]] bool failed() const noexcept override;
  [[nodiscard]] std::uint64_t written() const noexcept override { return buffer_.written(); }

 private:
  struct interface_state {
    std::string name;
    std::optional<std::uint8_t> index;  ///< given at its first packet
  };

  void write_header(packet::link_type link);
  [[nodiscard]] std::uint8_t index_of(std::uint32_t interface_id);
  void note_time(std::uint64_t time);
  void write_entry();
  void note_length(std::uint32_t original);
  void count_losses(const capture_packet& packet) noexcept;

  output_buffer buffer_;
  std::optional<output_buffer> sidecar_;
  std::vector<interface_state> interfaces_;
  std::optional<packet::link_type> link_;
  unsigned indices_ = 0;
  std::uint64_t record_ = 0;
  lpcap_times times_;
  std::vector<std::byte> entry_;  ///< for the sidecar; kept for its capacity
};

}  // namespace captured::format
