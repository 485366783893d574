// SPDX-License-Identifier: MIT
//
// Filter text in libpcap's syntax (pcap-filter(7)) for packets of capture files. Like filter.hpp it
// is implemented where libpcap is known; sockets are not touched and no rights are needed.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/error.hpp"
#include "capture/filter_program.hpp"
#include "packet/link_type.hpp"

namespace captured::capture {

/// A program for packets of one link type. A plain value; may be used by several threads.
class offline_filter {
 public:
  /// Fails with libpcap's own words, also for text that makes no sense for the link type.
  static base::result<offline_filter> compile(const std::string& text, packet::link_type link);

  /// Does it take the packet? Looks at nothing beyond the captured octets.
  [[nodiscard]] bool matches(std::span<const std::byte> captured,
                             std::uint32_t original_length) const noexcept;

 private:
  explicit offline_filter(filter_program program) : program_(std::move(program)) {}

  filter_program program_;
};

}  // namespace captured::capture
