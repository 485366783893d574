// SPDX-License-Identifier: MIT
//
// Where the octets of a capture go, as seen by the writers here: the seam that keeps files and
// pipes out of this module. Front to back only.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/error.hpp"

namespace captured::format {

class octet_sink {
 public:
  virtual ~octet_sink() = default;

  /// Takes all of the octets, or fails; not called again after a failure.
  virtual base::result<> write(std::span<const std::byte> octets) = 0;
};

/// Keeps the octets in memory.
class memory_sink final : public octet_sink {
 public:
  base::result<> write(std::span<const std::byte> octets) override {
    octets_.insert(octets_.end(), octets.begin(), octets.end());
    return {};
  }
  [[nodiscard]] const std::vector<std::byte>& octets() const noexcept { return octets_; }

 private:
  std::vector<std::byte> octets_;
};

}  // namespace captured::format
