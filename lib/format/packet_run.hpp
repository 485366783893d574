// SPDX-License-Identifier: MIT
//
// Goes over enhanced packet blocks that need no look one by one, and sums up what they hold: the
// short way for those who count or copy millions. Whatever is not as plain as that is left to
// capture_reader.hpp, which says what it is; nothing here fails, waits or reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "format/capture_model.hpp"

namespace captured::format {

/// What packets that lie one behind the other add up to.
struct packet_totals {
  struct of_interface {
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;  ///< captured
  };

  std::uint64_t packets = 0;
  std::uint64_t octets = 0;  ///< captured
  std::uint64_t original_octets = 0;
  std::uint64_t steps_back = 0;  ///< times below the one before
  time_ns first = 0;             ///< this and the following: when there are packets
  time_ns last = 0;
  time_ns earliest = 0;
  time_ns latest = 0;
  std::vector<of_interface> interfaces;  ///< by id; those beyond its end have none

  /// Takes in the packets that lie behind those it has.
  void add(const packet_totals& later);
};

/// One plain packet: an enhanced packet block in little endian of which all is known.
struct plain_packet {
  time_ns time = 0;
  std::uint32_t interface_id = 0;
  std::uint32_t captured = 0;
  std::uint32_t original = 0;
  std::span<const std::byte> record;  ///< the whole block
};

/// A value: a copy goes on by itself, in any thread.
class packet_run {
 public:
  /// Longer blocks are not plain.
  explicit packet_run(std::uint32_t bytes_max = block_bytes_max) noexcept;

  /// A section begins; only little endian is plain.
  void begin_section(byte_order order);
  /// The section's next interface.
  void add(const capture_interface& interface);

  /// From the front of `octets` over plain blocks that begin before `end`: how many octets that
  /// was. Plain are whole blocks of a described interface with a possible time, whose lengths
  /// contradict neither one another nor the snap length, and whose options are none, or epb_flags
  /// alone.
  [[nodiscard]] std::size_t go(std::span<const std::byte> octets, std::size_t end,
                               packet_totals& totals) const;

  /// The plain packet at the front of `octets`; false when there is none.
  [[nodiscard]] bool one(std::span<const std::byte> octets, plain_packet& packet) const noexcept;

  /// Where, from the front of `octets` on, plain blocks seem to begin. Data of a packet may look
  /// like it: whoever uses it must come to the same place from before.
  [[nodiscard]] std::optional<std::size_t> guess(std::span<const std::byte> octets) const;

 private:
  /// With more of them the sums would cost more than the packets.
  static constexpr std::size_t interfaces_max = 64;

  struct interface_limits {
    tick_scale scale;
    std::uint32_t captured_max = 0;
    bool usable = false;
  };

  [[nodiscard]] std::uint32_t look(const std::byte* block, std::size_t room,
                                   plain_packet& packet) const noexcept;
  [[nodiscard]] bool may_look(std::span<const std::byte> octets) const noexcept;

  std::uint32_t bytes_max_;
  bool little_ = false;
  std::vector<interface_limits> interfaces_;
};

}  // namespace captured::format
