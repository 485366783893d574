// SPDX-License-Identifier: MIT
//
// One packet of a stream as a value, and its octets on the wire (packet_streaming.proto): reading
// is tolerant as the original's peers need it, writing says everything that they expect. Knows
// nothing of connections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "packet/link_type.hpp"

namespace captured::stream {

/// Interfaces of one stream; more are not believed.
inline constexpr std::uint32_t interfaces_max = 4096;

struct interface_description {
  std::string_view name;
  packet::link_type link = packet::link_type::ethernet;
};

/// A view: data and name lie elsewhere.
struct packet_message {
  std::uint64_t time_ns = 0;  ///< since 1970-01-01 UTC
  std::span<const std::byte> data;
  std::uint32_t original_length = 0;
  std::uint32_t interface_id = 0;
  std::optional<interface_description> interface;
  std::uint32_t drops = 0;  ///< packets that the sender had no room for, just before

  // Peculiarities of a message that was read.
  bool header_missing = false;
  bool data_missing = false;
  bool length_differs = false;  ///< caplen is not the length of the data, which holds
};

/// Reads messages; keeps memory from one to the next.
class message_decoder {
 public:
  message_decoder();
  ~message_decoder();
  message_decoder(const message_decoder&) = delete;
  message_decoder& operator=(const message_decoder&) = delete;

  /// Any octets are allowed. What it gives is valid until the next call, and does not look at
  /// `octets` any more. Fails for what is no message, and for values that cannot be meant.
  [[nodiscard]] base::result<packet_message> decode(std::span<const std::byte> octets);

 private:
  struct wire;
  std::unique_ptr<wire> wire_;
};

/// Room that suffices for any message with so many octets of data and of name.
[[nodiscard]] constexpr std::size_t message_bytes_max(std::size_t data, std::size_t name) noexcept {
  return data + name + 128;
}

/// Writes the message at `out`, where message_bytes_max octets are free; returns how many it took.
/// Header and data are always written, also when empty: the original's server wants both.
[[nodiscard]] std::size_t encode_message(std::byte* out, const packet_message& packet) noexcept;

/// What has to follow the octets of a message so that it describes its interface, too.
[[nodiscard]] std::string encode_description(const interface_description& interface);

}  // namespace captured::stream
