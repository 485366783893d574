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
  /// The same for octets that stay where they are until drain(): they may be written later.
  virtual base::result<> write_stable(std::span<const std::byte> octets) { return write(octets); }
  /// The same for the first `used` octets of a buffer, which the sink may keep for a while: it puts
  /// another in its place, of the same size up to 512 KiB.
  virtual base::result<> write_buffer(std::vector<std::byte>& buffer, std::size_t used) {
    return write(std::span(buffer).first(used));
  }
  /// The same for a caller that has nothing to do meanwhile: returns when they are written.
  virtual base::result<> write_now(std::span<const std::byte> octets) { return write(octets); }
  /// Returns when all that was taken is written; the first failure.
  virtual base::result<> drain() { return {}; }
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
