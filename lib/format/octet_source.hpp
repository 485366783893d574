// SPDX-License-Identifier: MIT
//
// Where the octets of a capture come from, as seen by the readers here: the seam that keeps files
// and pipes out of this module. Front to back only; no seeking.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.hpp"

namespace captured::format {

class octet_source {
 public:
  virtual ~octet_source() = default;

  /// Puts at least one octet into `room` (not empty) and returns how many; 0 at the end. May give
  /// fewer than there is room for at any time. Not called again after a failure.
  virtual base::result<std::size_t> read(std::span<std::byte> room) = 0;

  /// Octets in the source's own memory, with `headroom` octets before them that the caller may
  /// write; none at the end. Valid until the call after the next, so that what is left of one
  /// part can be put before the next one. For sources that lends() is true of, instead of read().
  struct lent_octets {
    std::span<std::byte> octets;
    std::size_t headroom = 0;
  };
  virtual base::result<lent_octets> lend() { return lent_octets{}; }
  [[nodiscard]] virtual bool lends() const noexcept { return false; }

  /// Leaves out octets that its user knows; of sources that it is said of.
  virtual void pass(std::uint64_t /*octets*/) {}
};

/// Octets that lie in memory already; they must outlive it.
class memory_source final : public octet_source {
 public:
  explicit memory_source(std::span<const std::byte> octets) noexcept : rest_(octets) {}

  base::result<std::size_t> read(std::span<std::byte> room) override {
    const std::size_t count = std::min(room.size(), rest_.size());
    std::copy_n(rest_.begin(), count, room.begin());
    rest_ = rest_.subspan(count);
    return count;
  }

 private:
  std::span<const std::byte> rest_;
};

}  // namespace captured::format
