// SPDX-License-Identifier: MIT
//
// Steps through the options of a pcapng block (draft-ietf-opsawg-pcapng, section "Options"). A list
// may end with the end marker or with the block. Looks at nothing outside the octets given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "format/byte_order.hpp"
#include "format/pcapng_codes.hpp"

namespace captured::format {

struct option_view {
  std::uint16_t code = 0;
  std::span<const std::byte> value;  ///< without padding; lives as long as the block
};

class option_cursor {
 public:
  option_cursor() noexcept = default;
  option_cursor(std::span<const std::byte> octets, byte_order order) noexcept
      : rest_(octets), order_(order) {}

  /// Fills `found` and steps over it; false at the end. An option that runs out of the block, or an
  /// end marker with a length, ends the list, and damaged() says so.
  [[nodiscard]] bool next(option_view& found) noexcept {
    constexpr std::size_t head_bytes = 4;
    if (rest_.size() < head_bytes) {
      damaged_ = overrun_ = overrun_ || !rest_.empty();
      rest_ = {};
      return false;
    }
    const auto code = load<std::uint16_t>(rest_.data(), order_);
    const std::size_t length = load<std::uint16_t>(rest_.data() + 2, order_);
    const std::size_t padded = base::align_up(length, std::size_t{4});
    if (code == option::end_of_options || padded > rest_.size() - head_bytes) {
      damaged_ = length != 0;
      overrun_ = code != option::end_of_options;
      rest_ = {};
      return false;
    }
    found = {.code = code, .value = rest_.subspan(head_bytes, length)};
    rest_ = rest_.subspan(head_bytes + padded);
    return true;
  }

  [[nodiscard]] bool damaged() const noexcept { return damaged_; }
  /// Damaged in the worse way: an option does not end within the block.
  [[nodiscard]] bool overrun() const noexcept { return overrun_; }
  [[nodiscard]] byte_order order() const noexcept { return order_; }

 private:
  std::span<const std::byte> rest_;
  byte_order order_ = byte_order::little;
  bool damaged_ = false;
  bool overrun_ = false;
};

}  // namespace captured::format
