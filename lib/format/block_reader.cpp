// SPDX-License-Identifier: MIT
#include "format/block_reader.hpp"

#include <algorithm>
#include <cstring>

namespace captured::format {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

}  // namespace

block_reader::block_reader(octet_source& source, std::uint32_t bytes_max)
    : source_(source), walker_(bytes_max), buffer_(buffer_bytes) {}

block_reader::step block_reader::next() {
  while (true) {
    const block_walker::step found = walker_.next(ahead());
    switch (found.what) {
      case block_walker::status::block:
        begin_ += found.block.total_bytes;
        return {.what = status::block, .block = found.block};
      case block_walker::status::damaged:
        return {.what = status::damaged, .block = {}, .problem = found.problem};
      case block_walker::status::more_needed:
        if (!fill(found.octets_needed)) {
          if (failure_.code) {
            return {.what = status::failed, .block = {}};
          }
          return {.what = begin_ == end_ ? status::end : status::truncated, .block = {}};
        }
    }
  }
}

/// Brings `octets_needed` octets ahead. The buffer doubles as octets arrive, so that a length which
/// the source does not keep costs no memory.
bool block_reader::fill(std::size_t octets_needed) {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  while (end_ < octets_needed && !source_ended_) {
    if (end_ == buffer_.size()) {
      buffer_.resize(buffer_.size() * 2);
    }
    const auto count = source_.read(std::span(buffer_).subspan(end_));
    if (!count) {
      failure_ = count.error();
      source_ended_ = true;
      return false;
    }
    source_ended_ = *count == 0;
    end_ += *count;
  }
  return end_ >= octets_needed;
}

}  // namespace captured::format
