// SPDX-License-Identifier: MIT
//
// Writes one record of lpcap and what its sidecar has to say of it (formats, section "lpcap").
// This is the hot path of outputs that record lpcap, and what lpcap_writer is made of: no error,
// and no allocation but for the sidecar's growth.
//
//   0 interface index  1 traffic type  2 time, lower half  6 length  10 octets of the packet
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "format/restored_tag.hpp"
#include "packet/link_type.hpp"
#include "packet/packet_view.hpp"

namespace captured::format {

inline constexpr std::uint16_t lpcap_magic = 0x4F3E;
inline constexpr std::size_t lpcap_file_header_bytes = 14;
inline constexpr std::size_t lpcap_record_header_bytes = 10;
/// Data that the original's writer takes at most.
inline constexpr std::size_t lpcap_data_bytes_max = 16373;
/// The index of all interfaces beyond the 255th.
inline constexpr std::uint8_t lpcap_index_shared = 255;

/// "LPMETA1" and a zero.
inline constexpr std::uint64_t lpcap_sidecar_magic = 0x0031'4154'454D'504C;
inline constexpr std::size_t lpcap_sidecar_entry_bytes = 4;  ///< before the payload
enum class lpcap_sidecar_kind : std::uint8_t { time = 1, interface = 2, original_length = 3 };

/// The format's own number of a link type; nothing for those that it has none of.
[[nodiscard]] std::optional<std::uint32_t> lpcap_link_number(packet::link_type link) noexcept;
/// Version 1.4 with the original's snap length.
[[nodiscard]] std::array<std::byte, lpcap_file_header_bytes> lpcap_file_header(
    packet::link_type link) noexcept;
/// Broadcast, multicast or unicast by the destination's address.
[[nodiscard]] std::uint8_t lpcap_traffic_of(packet::link_type link,
                                            std::span<const std::byte> packet) noexcept;
/// The lower half of the time, as far as the original takes it: it refuses 0.
[[nodiscard]] constexpr std::uint32_t lpcap_time(std::uint64_t stamp_ns) noexcept {
  const auto lower = static_cast<std::uint32_t>(stamp_ns);
  return lower == 0 ? 1 : lower;
}

/// Entries of a sidecar, appended.
void append_lpcap_sidecar_head(std::vector<std::byte>& out);
void append_lpcap_time(std::vector<std::byte>& out, std::uint64_t record, std::uint64_t stamp_ns);
void append_lpcap_length(std::vector<std::byte>& out, std::uint64_t record, std::uint32_t original);
/// `kernel_index` 0 is that of nobody; a name of more than 60000 octets is cut.
void append_lpcap_interface(std::vector<std::byte>& out, std::uint8_t index,
                            std::uint32_t kernel_index, std::string_view name);

/// Which records need an entry for their time: all others have the upper half of the one before.
class lpcap_times {
 public:
  /// Is one needed for this record? To be asked of each in its turn.
  [[nodiscard]] bool next_needs_entry(std::uint64_t stamp_ns) noexcept {
    const std::uint64_t upper = stamp_ns >> 32;
    const bool needed =
        !begun_ || upper != upper_ || lpcap_time(stamp_ns) != static_cast<std::uint32_t>(stamp_ns);
    begun_ = true;
    upper_ = upper;
    return needed;
  }

 private:
  std::uint64_t upper_ = 0;
  bool begun_ = false;
};

/// The records of one file and its sidecar, from the first one on.
class lpcap_records {
 public:
  explicit lpcap_records(packet::link_type link) noexcept : link_(link) {}

  /// Whose packets follow, and where they are cut. `name` must be valid as long as they do: it
  /// stands in the sidecar before the first one.
  void set_interface(std::size_t number, std::string_view name, std::uint32_t kernel_index,
                     std::uint32_t snaplen);

  /// How many octets `encode` will write.
  [[nodiscard]] std::size_t bytes(const packet::packet_view& packet) const noexcept {
    return lpcap_record_header_bytes + detail::captured_bytes(packet, snaplen_);
  }

  /// Writes the record at `out`, where `bytes` octets are free and do not overlap the packet, and
  /// the entries that it needs; returns how many octets the record took.
  std::size_t encode(std::byte* out, const packet::packet_view& packet,
                     std::vector<std::byte>& sidecar) {
    const std::uint32_t captured = detail::captured_bytes(packet, snaplen_);
    const std::uint32_t original = detail::original_bytes(packet, captured);
    if (!indices_[number_]) [[unlikely]] {
      give_index(sidecar);
    }
    out[0] = static_cast<std::byte>(*indices_[number_]);
    out[1] = static_cast<std::byte>(lpcap_traffic_of(link_, packet.data));
    base::store_little(out + 2, lpcap_time(packet.timestamp_ns));
    base::store_little(out + 6, captured);
    detail::copy_captured(out + lpcap_record_header_bytes, packet, captured);
    if (times_.next_needs_entry(packet.timestamp_ns)) [[unlikely]] {
      append_lpcap_time(sidecar, record_, packet.timestamp_ns);
    }
    if (original != captured) {
      append_lpcap_length(sidecar, record_, original);
    }
    ++record_;
    return lpcap_record_header_bytes + captured;
  }

 private:
  void give_index(std::vector<std::byte>& sidecar);

  packet::link_type link_;
  std::vector<std::optional<std::uint8_t>> indices_;  ///< by number
  unsigned indices_given_ = 0;
  std::size_t number_ = 0;
  std::string_view name_;
  std::uint32_t kernel_index_ = 0;
  std::uint32_t snaplen_ = lpcap_data_bytes_max;
  std::uint64_t record_ = 0;
  lpcap_times times_;
};

}  // namespace captured::format
