// SPDX-License-Identifier: MIT
#include "format/octet_window.hpp"

#include <algorithm>
#include <utility>

namespace captured::format {
namespace {

/// Enough for many packets a read, little enough to stay in the cache.
constexpr std::size_t buffer_bytes = std::size_t{128} << 10;

}  // namespace

octet_window::octet_window(octet_source& source) : source_(&source), lends_(source.lends()) {}

bool octet_window::fill(std::size_t count) {
  if (ended_) {
    return false;
  }
  if (lends_) {
    return borrow(count);
  }
  if (buffer_.empty()) {
    buffer_.resize(buffer_bytes);
  }
  std::size_t held = ahead_.size();
  std::copy(ahead_.begin(), ahead_.end(), buffer_.begin());  // to the front: may overlap
  while (held < count && !ended_) {
    if (held == buffer_.size()) {
      buffer_.resize(std::min(buffer_.size() * 2, std::max(count, held) + buffer_bytes));
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

/// What is left goes before the next part; only what is longer than the headroom is gathered.
bool octet_window::borrow(std::size_t count) {
  while (ahead_.size() < count && !ended_) {
    const auto lent = source_->lend();
    if (!lent) {
      failure_ = lent.error();
      ended_ = true;
      break;
    }
    const std::size_t held = ahead_.size();
    ended_ = lent->octets.empty();
    if (ended_) {
      break;
    }
    if (held <= lent->headroom) {
      std::byte* const begin = lent->octets.data() - held;
      std::copy(ahead_.begin(), ahead_.end(), begin);
      ahead_ = {begin, held + lent->octets.size()};
    } else {
      std::vector<std::byte> gathered;
      gathered.reserve(held + lent->octets.size());
      gathered.assign(ahead_.begin(), ahead_.end());
      gathered.insert(gathered.end(), lent->octets.begin(), lent->octets.end());
      buffer_ = std::move(gathered);
      ahead_ = buffer_;
    }
  }
  return ahead_.size() >= count;
}

}  // namespace captured::format
