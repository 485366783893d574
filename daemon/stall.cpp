// SPDX-License-Identifier: MIT
#include "daemon/stall.hpp"

#include <spdlog/fmt/fmt.h>

namespace captured::daemon {

std::uint64_t ring_bytes_for_a_second(std::uint64_t speed_bits) {
  return speed_bits / 8 / 10 * 11;
}

std::string speed_text(std::uint64_t speed_bits) {
  const auto bits = static_cast<double>(speed_bits);
  return speed_bits >= 1'000'000'000 ? fmt::format("{:g} Gbit/s", bits / 1e9)
                                     : fmt::format("{:g} Mbit/s", bits / 1e6);
}

std::string stall_text(std::uint64_t ring_bytes, std::optional<std::uint64_t> speed_bits) {
  return stall_text(ring_bytes, 1, speed_bits);
}

std::string stall_text(std::uint64_t ring_bytes, std::uint32_t rings,
                       std::optional<std::uint64_t> speed_bits) {
  const std::uint64_t speed = speed_bits.value_or(0) == 0 ? 1'000'000'000 : *speed_bits;
  const double least =
      static_cast<double>(ring_bytes) / static_cast<double>(ring_bytes_for_a_second(speed));
  const std::string most = rings == 1 ? "" : fmt::format(" to {:.2f} s", least * rings);
  return fmt::format("{:.2f} s{} at {}", least, most, speed_text(speed));
}

}  // namespace captured::daemon
