// SPDX-License-Identifier: MIT
//
// A memory mapping with one owner: a kernel ring, an aligned buffer, or a file read in place.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "base/error.hpp"

namespace captured::base {

/// Move-only owner of an mmap area; unmapped at the end of its life. Spans handed out by `bytes`
/// must not outlive it.
class mapping {
 public:
  mapping() noexcept = default;
  mapping(mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  mapping& operator=(mapping&& other) noexcept;
  mapping(const mapping&) = delete;
  mapping& operator=(const mapping&) = delete;
  ~mapping();

  /// Zeroed private memory aligned to a page. The pages of its first `present` octets are there, so
  /// that their use neither faults nor fails; others come when they are used. Fails with ENOMEM.
  static result<mapping> anonymous(std::size_t byte_count, std::size_t present);
  /// All of it present.
  static result<mapping> anonymous(std::size_t byte_count) {
    return anonymous(byte_count, byte_count);
  }
  /// `byte_count` octets of a descriptor from its start, shared, readable and writable: for rings.
  static result<mapping> shared(int fd, std::size_t byte_count);
  /// `byte_count` octets of a file from its start, private and readable: for reading in place.
  static result<mapping> readable(int fd, std::size_t byte_count);

  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

 private:
  explicit mapping(std::span<std::byte> bytes) noexcept : bytes_(bytes) {}
  static result<mapping> map(int fd, std::size_t byte_count, int protection, int flags);

  std::span<std::byte> bytes_;
};

}  // namespace captured::base
