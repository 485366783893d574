// SPDX-License-Identifier: MIT
//
// Packets of tapped interfaces copied into bounded memory, as the blocks of a pcapng stream. What
// does not fit is dropped here, counted, and told by the drop count of the packet that follows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "capture/offline_filter.hpp"
#include "format/pcapng_blocks.hpp"
#include "packet/packet_view.hpp"
#include "pipeline/shown_block.hpp"

namespace captured::pipeline {

/// Which packets of an interface are wanted, and how much of them.
struct copy_wish {
  std::optional<capture::offline_filter> filter;
  std::uint32_t snaplen = 262144;  ///< not 0
};

/// `offered = copied + dropped`; what the filter leaves out was not offered.
struct copy_figures {
  std::uint64_t offered = 0;
  std::uint64_t copied = 0;
  std::uint64_t dropped = 0;
};

class live_copy {
 public:
  explicit live_copy(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// The beginning of the stream.
  void begin(const std::string& comment);
  /// Its description follows what was copied so far. Gives its number.
  std::uint32_t add_interface(const format::interface_description_block& description,
                              copy_wish wish);
  /// Copies the packets of a block of that interface.
  void copy(std::uint32_t interface_id, const shown_block& block);

  [[nodiscard]] bool empty() const noexcept { return octets_.empty(); }
  /// Gives everything so far, whole blocks, and goes on in the memory of `spare`.
  void take(std::vector<std::byte>& spare);
  [[nodiscard]] const copy_figures& figures() const noexcept { return figures_; }

 private:
  struct source {
    copy_wish wish;
    std::uint64_t drops = 0;  ///< not yet told
  };

  void copy_packet(std::uint32_t interface_id, source& from, const packet::packet_view& packet);
  [[nodiscard]] bool matches(const source& from, const packet::packet_view& packet);

  std::size_t bytes_max_;
  std::vector<std::byte> octets_;
  std::vector<std::byte> scratch_;
  std::vector<source> sources_;
  copy_figures figures_;
};

/// The captured octets with a removed VLAN tag put back, in `scratch` where there is one, and the
/// original length that belongs to them.
struct whole_packet {
  std::span<const std::byte> data;
  std::uint32_t original_length = 0;
};
[[nodiscard]] whole_packet make_whole(const packet::packet_view& packet,
                                      std::vector<std::byte>& scratch);

}  // namespace captured::pipeline
