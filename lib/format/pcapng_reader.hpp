// SPDX-License-Identifier: MIT
//
// Reads pcapng whole: several sections in either byte order, all packet blocks, statistics; name
// resolution, secrets, custom and unknown blocks are given as they lie (draft-ietf-opsawg-pcapng;
// formats, section "pcapng").
#pragma once

#include "format/block_walker.hpp"
#include "format/capture_reader.hpp"

namespace captured::format {

/// Descriptions of one section in octets; more would let a small file take much memory.
inline constexpr std::size_t descriptions_bytes_max = std::size_t{16} << 20;

class pcapng_reader final : public format_reader {
 public:
  [[nodiscard]] capture_item next(reader_state& state) override;
  std::span<const std::byte> next_run(reader_state& state, std::uint64_t end,
                                      packet_totals& totals) override;
  [[nodiscard]] bool next_plain(reader_state& state, plain_packet& packet) override;
  void skip_run(reader_state& state, std::uint64_t octets) override;
  [[nodiscard]] const packet_run* run() const noexcept override {
    return skipping_ || overrun_ ? nullptr : &run_;
  }

 private:
  [[nodiscard]] bool next_packet_block(reader_state& state) noexcept;
  [[nodiscard]] bool next_block(reader_state& state);
  [[nodiscard]] std::optional<capture_item> take_block(reader_state& state);
  [[nodiscard]] std::optional<capture_item> take_section(reader_state& state);
  [[nodiscard]] std::optional<capture_item> take_interface(reader_state& state);
  [[nodiscard]] std::optional<capture_item> take_enhanced(reader_state& state);
  [[nodiscard]] std::optional<capture_item> take_simple(reader_state& state);
  [[nodiscard]] std::optional<capture_item> take_obsolete(reader_state& state);
  [[nodiscard]] std::optional<capture_item> take_statistics(reader_state& state);
  [[nodiscard]] std::optional<capture_item> give_block(reader_state& state, capture_item item,
                                                       std::size_t fixed_bytes);
  [[nodiscard]] std::optional<capture_item> give_packet(reader_state& state);
  [[nodiscard]] std::optional<capture_item> damaged(reader_state& state, const char* what) const;
  [[nodiscard]] bool options_overrun(const reader_state& state, std::size_t fixed_bytes) const;
  void take_options(reader_state& state);

  block_walker walker_;
  packet_run run_;
  capture_item ended_ = capture_item::end;  ///< after next_block() gave none
  std::uint32_t sections_ = 0;
  std::size_t descriptions_bytes_ = 0;
  bool begun_ = false;
  bool skipping_ = false;  ///< a section of an unknown version
  bool overrun_ = false;   ///< strict: of the packet just given, told after it
};

}  // namespace captured::format
