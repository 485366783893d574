// SPDX-License-Identifier: MIT
//
// Packets on their way to a collector, one behind the other as the messages they will be. Filled by
// one thread, then handed over whole. Keeps its memory when it is cleared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "stream/message.hpp"

namespace captured::stream {

class packet_batch {
 public:
  void append(const packet_message& packet);
  void clear() noexcept {
    octets_.clear();
    entries_.clear();
  }

  /// One message, behind the one before.
  struct entry {
    std::uint32_t bytes = 0;
    std::uint32_t interface_id = 0;
  };

  [[nodiscard]] std::size_t packets() const noexcept { return entries_.size(); }
  /// Octets that it holds.
  [[nodiscard]] std::size_t bytes() const noexcept { return octets_.size(); }
  [[nodiscard]] const std::vector<entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] std::span<const std::byte> octets() const noexcept { return octets_; }

 private:
  std::vector<std::byte> octets_;
  std::vector<entry> entries_;
};

}  // namespace captured::stream
