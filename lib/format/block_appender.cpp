// SPDX-License-Identifier: MIT
#include "format/block_appender.hpp"

#include <algorithm>
#include <string>

#include "format/pcapng_codes.hpp"

namespace captured::format {

block_appender::block_appender(std::vector<std::byte>& out, std::uint32_t type, byte_order order)
    : out_(out), begin_(out.size()), order_(order) {
  number(type);
  number(std::uint32_t{0});
}

void block_appender::ticks(std::uint64_t value) {
  number(static_cast<std::uint32_t>(value >> 32));
  number(static_cast<std::uint32_t>(value));
}

void block_appender::padded(std::span<const std::byte> octets) {
  out_.insert(out_.end(), octets.begin(), octets.end());
  align();
}

void block_appender::option(std::uint16_t code, std::span<const std::byte> value) {
  const auto kept = value.first(std::min(value.size(), option_value_bytes_max));
  option_head(code, kept.size());
  padded(kept);
}

void block_appender::text_option(std::uint16_t code, std::string_view text) {
  option(code, std::as_bytes(std::span(text)));
}

void block_appender::text_option(std::uint16_t code, const std::optional<std::string>& text) {
  if (text) {
    text_option(code, std::string_view(*text));
  }
}

void block_appender::ticks_option(std::uint16_t code, std::optional<std::uint64_t> value) {
  if (value) {
    option_head(code, sizeof *value);
    ticks(*value);
  }
}

void block_appender::custom_option_value(std::uint16_t code, std::uint32_t pen,
                                         std::span<const std::byte> value) {
  const auto kept = value.first(std::min(value.size(), option_value_bytes_max - sizeof pen));
  option_head(code, kept.size() + sizeof pen);
  number(pen);
  padded(kept);
}

void block_appender::prefixed_option(std::uint16_t code, std::uint8_t first,
                                     std::string_view rest) {
  const auto kept = rest.substr(0, option_value_bytes_max - sizeof first);
  option_head(code, kept.size() + sizeof first);
  number(first);
  padded(std::as_bytes(std::span(kept)));
}

void block_appender::finish() {
  if (has_options_) {
    option_head(option::end_of_options, 0);
  }
  const auto total =
      static_cast<std::uint32_t>(out_.size() - begin_ + apart_bytes_ + sizeof(std::uint32_t));
  number(total);
  store(out_.data() + begin_ + sizeof(std::uint32_t), total, order_);
}

void block_appender::option_head(std::uint16_t code, std::size_t value_bytes) {
  number(code);
  number(static_cast<std::uint16_t>(value_bytes));
  has_options_ = true;
}

void block_appender::align() {
  out_.resize(begin_ + base::align_up(out_.size() - begin_, std::size_t{4}));
}

}  // namespace captured::format
