// SPDX-License-Identifier: MIT
//
// Appends one pcapng block to a buffer: head, fixed fields, options, trailer, padding. Used by the
// writers of the rare blocks; packets have packet_block_encoder.hpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "format/byte_order.hpp"

namespace captured::format {

/// Lives from the first octet of a block to `finish()`; nobody else may touch the buffer meanwhile.
class block_appender {
 public:
  block_appender(std::vector<std::byte>& out, std::uint32_t type, byte_order order);

  template <std::unsigned_integral T>
  void number(T value) {
    const std::size_t at = out_.size();
    out_.resize(at + sizeof(T));
    store(out_.data() + at, value, order_);
  }
  /// Two numbers of 32 bits, the upper one first.
  void ticks(std::uint64_t value);
  /// The octets and zeros up to the next multiple of 4.
  void padded(std::span<const std::byte> octets);

  /// Octets that the caller puts here when the block is done, padded: only the length counts them.
  void apart(std::size_t octets) { apart_bytes_ += base::align_up<std::size_t>(octets, 4); }

  /// An option with octets as its value; cut at what the length field can say.
  void option(std::uint16_t code, std::span<const std::byte> value);
  void text_option(std::uint16_t code, std::string_view text);
  void text_option(std::uint16_t code, const std::optional<std::string>& text);
  void ticks_option(std::uint16_t code, std::optional<std::uint64_t> value);
  template <std::unsigned_integral T>
  void number_option(std::uint16_t code, std::optional<T> value) {
    if (value) {
      option_head(code, sizeof(T));
      number(*value);
      align();
    }
  }
  /// A value that begins with a number of 32 bits, as in all custom options.
  void custom_option_value(std::uint16_t code, std::uint32_t pen, std::span<const std::byte> value);
  void prefixed_option(std::uint16_t code, std::uint8_t first, std::string_view rest);

  /// Ends the options, if there are any, and the block.
  void finish();

  [[nodiscard]] byte_order order() const noexcept { return order_; }

 private:
  void option_head(std::uint16_t code, std::size_t value_bytes);
  void align();

  std::vector<std::byte>& out_;
  std::size_t begin_;
  std::size_t apart_bytes_ = 0;
  byte_order order_;
  bool has_options_ = false;
};

}  // namespace captured::format
