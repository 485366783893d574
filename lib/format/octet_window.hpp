// SPDX-License-Identifier: MIT
//
// The octets ahead of a reader: of a mapped file all that is left, of a stream what is buffered.
// Readers ask for what they need and look at it in place. Front to back only.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "format/octet_source.hpp"

namespace captured::format {

class octet_window {
 public:
  /// Octets that outlive the window and everything read from it.
  explicit octet_window(std::span<const std::byte> mapped) noexcept
      : ahead_(mapped), ended_(true), stable_(true) {}
  /// The source must outlive the window.
  explicit octet_window(octet_source& source);
  octet_window(const octet_window&) = delete;
  octet_window& operator=(const octet_window&) = delete;

  /// What is there now, maybe nothing; valid until the next require() unless stable().
  [[nodiscard]] std::span<const std::byte> ahead() const noexcept { return ahead_; }

  /// True when at least `count` octets are ahead. False at the end, or when the source failed; what
  /// is left is then ahead. The caller has bounded `count`; memory grows as octets arrive, never
  /// for a count alone.
  [[nodiscard]] bool require(std::size_t count) { return ahead_.size() >= count || fill(count); }

  void skip(std::size_t count) noexcept {
    assert(count <= ahead_.size());
    ahead_ = ahead_.subspan(count);
    offset_ += count;
  }

  /// The same when some of them are not ahead yet; only of a source that can pass them by.
  void skip_far(std::uint64_t count) {
    const std::size_t here = std::min<std::uint64_t>(count, ahead_.size());
    skip(here);
    if (here != count) {
      source_->pass(count - here);
      offset_ += count - here;
    }
  }

  /// Of the first octet ahead, from the start.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  /// Do octets stay where they are as long as the file is mapped?
  [[nodiscard]] bool stable() const noexcept { return stable_; }
  /// Its code is set when the source failed.
  [[nodiscard]] const base::failure& failure() const noexcept { return failure_; }

 private:
  [[nodiscard]] bool fill(std::size_t count);
  [[nodiscard]] bool borrow(std::size_t count);

  std::span<const std::byte> ahead_;
  std::uint64_t offset_ = 0;
  octet_source* source_ = nullptr;
  std::vector<std::byte> buffer_;
  bool ended_ = false;
  bool stable_ = false;
  bool lends_ = false;
  base::failure failure_;
};

}  // namespace captured::format
