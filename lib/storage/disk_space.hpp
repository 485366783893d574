// SPDX-License-Identifier: MIT
//
// What a file system holds and has left, at one moment.
#pragma once

#include <cstdint>

namespace captured::storage {

struct disk_space {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;  ///< to a process without privileges

  friend bool operator==(const disk_space&, const disk_space&) = default;
};

}  // namespace captured::storage
