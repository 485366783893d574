// SPDX-License-Identifier: MIT
//
// The options of a pcapng packet block as values, for those who want more than flags and drop
// count, which readers give with every packet. Allocates; not for every packet of a large file.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "format/capture_model.hpp"

namespace captured::format {

/// A hash or a verdict: which kind, and its octets.
struct kind_and_octets {
  std::uint8_t kind = 0;
  std::vector<std::byte> octets;
  bool operator==(const kind_and_octets&) const = default;
};

struct packet_options {
  std::vector<std::string> comments;
  std::optional<std::uint32_t> flags;
  std::vector<kind_and_octets> hashes;
  std::optional<std::uint64_t> dropcount;
  std::optional<std::uint64_t> packet_id;
  std::optional<std::uint32_t> queue;
  std::vector<kind_and_octets> verdicts;
  std::optional<std::uint32_t> process_id;  ///< 0 is "unknown"
  std::optional<std::uint32_t> thread_id;
  std::vector<custom_option> custom;
  std::vector<unknown_option> unknown;
  bool operator==(const packet_options&) const = default;
};

/// Of a packet from a pcapng block; empty for other formats. Options that are not of their length,
/// or repeated though they may not be, are left out.
[[nodiscard]] packet_options options_of(const capture_packet& packet);

/// One name with its addresses, or rather one record of a Name Resolution Block.
struct name_record {
  std::uint16_t type = 0;  ///< 1 IPv4, 2 IPv6, 3 EUI-48, 4 EUI-64
  std::vector<std::byte> address;
  std::vector<std::string> names;
  bool operator==(const name_record&) const = default;
};

/// The records of the block that fit; unknown types are left out.
[[nodiscard]] std::vector<name_record> names_of(const capture_block& block);

struct secrets_view {
  std::uint32_t type = 0;  ///< 0x544c534b TLS key log, …
  std::span<const std::byte> data;
};

/// Nothing when the block claims more than it holds.
[[nodiscard]] std::optional<secrets_view> secrets_of(const capture_block& block) noexcept;

}  // namespace captured::format
