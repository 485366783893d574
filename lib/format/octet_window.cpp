// SPDX-License-Identifier: MIT
#include "format/octet_window.hpp"

#include <algorithm>

namespace captured::format {
namespace {

/// Enough for many packets a read, little enough to stay in the cache.
constexpr std::size_t buffer_bytes = std::size_t{128} << 10;

}  // namespace

octet_window::octet_window(octet_source& source) : source_(&source) {}

bool octet_window::fill(std::size_t count) {
  if (ended_) {
    return false;
  }
  if (buffer_.empty()) {
    buffer_.resize(buffer_bytes);
  }
  std::size_t held = ahead_.size();
  std::copy(ahead_.begin(), ahead_.end(), buffer_.begin());  // to the front: may overlap
  while (held < count && !ended_) {
    if (held == buffer_.size()) {
      buffer_.resize(buffer_.size() * 2);
    }
    const auto read = source_->read(std::span(buffer_).subspan(held));
    if (!read) {
      failure_ = read.error();
      ended_ = true;
      break;
    }
    ended_ = *read == 0;
    held += *read;
  }
  ahead_ = std::span(buffer_).first(held);
  return held >= count;
}

}  // namespace captured::format
