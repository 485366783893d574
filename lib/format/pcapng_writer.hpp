// SPDX-License-Identifier: MIT
//
// Writes pcapng: everything a reader gives, of any format, with nothing lost but what must not be
// copied. Blocks that need no change go out as they lie. For recording from the kernel's rings
// there is packet_block_encoder.hpp.
#pragma once

#include <vector>

#include "format/block_transcoding.hpp"
#include "format/capture_writer.hpp"

namespace captured::format {

struct pcapng_options {
  /// Custom blocks and options that must not be copied: kept only where the output is the same file
  /// in other words.
  copyability custom = copyability::drop_not_copyable;
  /// Sections in this order instead of that of their origin.
  std::optional<byte_order> order;
  /// Added to each section header as the program that wrote the file, where none is named.
  std::string application;
};

class pcapng_writer final : public capture_writer {
 public:
  explicit pcapng_writer(octet_sink& sink, pcapng_options options = {});

  void begin_section(const capture_section& section) override;
  std::uint32_t add_interface(const capture_interface& interface) override;
  void add_packet(const capture_packet& packet, std::uint32_t interface_id, bool stable) override;
  [[nodiscard]] bool takes_runs() const noexcept override { return order_ == byte_order::little; }
  void add_run(std::span<const std::byte> octets, std::uint64_t packets, bool stable) override;
  void pass_run(std::uint64_t octets, std::uint64_t packets) override;
  void add_plain(const plain_packet& packet, std::uint32_t interface_id, bool stable) override;
  void add_statistics(const interface_statistics_block& statistics,
                      std::uint32_t interface_id) override;
  void add_block(capture_item item, const capture_block& block) override;
  [[nodiscard]] base::result<> flush() override;
  [[nodiscard]] bool failed() const noexcept override { return buffer_.failed(); }
  [[nodiscard]] std::uint64_t written() const noexcept override { return buffer_.written(); }

 private:
  template <class Block>
  void drop_private(Block& block);
  /// As much of it as fits into a block that readers take.
  [[nodiscard]] std::span<const std::byte> data_that_fits(const capture_packet& packet);
  void put_block(std::size_t at, std::span<const std::byte> data);
  void add_record(std::span<const std::byte> record, bool same_id, std::uint32_t interface_id,
                  bool stable);
  [[nodiscard]] bool copies_as_it_is(const capture_packet& packet) const noexcept;
  void encode_packet(const capture_packet& packet, std::uint32_t interface_id);
  void encode_simple(const capture_packet& packet);
  [[nodiscard]] std::uint64_t ticks_of(const capture_packet& packet, std::uint32_t interface_id);

  output_buffer buffer_;
  pcapng_options options_;
  byte_order order_ = byte_order::little;
  std::vector<tick_scale> scales_;  ///< of the section's interfaces
  std::vector<std::byte> scratch_;
};

}  // namespace captured::format
