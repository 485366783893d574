// SPDX-License-Identifier: MIT
//
// Linux cooked headers, versions 1 (LINKTYPE_LINUX_SLL) and 2 (LINKTYPE_LINUX_SLL2), read, made and
// changed into one another; also those of dietsniff's logs from before December 2008, which have
// some fields in the byte order of their host (formats, section "Linux cooked captures").
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "format/capture_model.hpp"

namespace captured::format {

inline constexpr std::size_t sll_header_bytes = 16;
inline constexpr std::size_t sll2_header_bytes = 20;

struct cooked_header {
  std::uint8_t packet_type = 0;      ///< 0 to us, 1 broadcast, 2 multicast, 3 to others, 4 from us
  std::uint16_t arphrd = 1;          ///< 1 Ethernet, 772 loopback, …
  std::uint16_t address_length = 0;  ///< of the sender's address, may be above 8
  std::array<std::uint8_t, 8> address{};  ///< zeros behind the address
  std::uint16_t protocol = 0;             ///< EtherType, or one of Linux's own
  std::uint32_t interface_index = 0;      ///< version 2 only: of the capturing host
  bool operator==(const cooked_header&) const = default;
};

/// Reads headers of version 1 one after the other and remembers what records before it were, for
/// those that do not tell their byte order.
class sll_reader {
 public:
  /// Nothing when there are fewer octets than a header has.
  [[nodiscard]] std::optional<cooked_header> read(std::span<const std::byte> packet) noexcept;
  /// Records whose first three fields were little endian.
  [[nodiscard]] std::uint64_t swapped() const noexcept { return swapped_count_; }

 private:
  bool swapped_ = false;
  std::uint64_t swapped_count_ = 0;
};

[[nodiscard]] std::optional<cooked_header> read_sll2(std::span<const std::byte> packet) noexcept;

void write_sll(std::span<std::byte, sll_header_bytes> out, const cooked_header& header) noexcept;
void write_sll2(std::span<std::byte, sll2_header_bytes> out, const cooked_header& header) noexcept;

/// Makes packets of link type Ethernet or Linux cooked into the wanted one of the two cooked types.
class cooked_converter {
 public:
  /// `wanted` is linux_sll or linux_sll2.
  explicit cooked_converter(packet::link_type wanted) noexcept : wanted_(wanted) {}

  /// Gives the packet the wanted header; its octets then lie in this object until the next call.
  /// False, and nothing done, for other link types and for packets shorter than their header.
  [[nodiscard]] bool convert(capture_packet& packet);
  /// Headers of old dietsniff logs that were put right.
  [[nodiscard]] std::uint64_t repaired() const noexcept { return sll_.swapped(); }

 private:
  packet::link_type wanted_;
  sll_reader sll_;
  std::vector<std::byte> octets_;
};

}  // namespace captured::format
