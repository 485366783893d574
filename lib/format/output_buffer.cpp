// SPDX-License-Identifier: MIT
#include "format/output_buffer.hpp"

#include <algorithm>
#include <cstring>

namespace captured::format {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{512} << 10;
/// Runs below this are cheaper copied than written by a call of their own.
constexpr std::size_t run_bytes_min = std::size_t{64} << 10;

}  // namespace

output_buffer::output_buffer(octet_sink& sink) : sink_(sink), buffer_(buffer_bytes) {}

void output_buffer::append(std::span<const std::byte> octets) {
  if (octets.size() >= large_bytes) {
    append_now(octets);
    return;
  }
  std::byte* const room = extend(octets.size());
  std::copy(octets.begin(), octets.end(), room);
}

void output_buffer::append_now(std::span<const std::byte> octets) {
  end_run();
  write_buffer();
  written_ += octets.size();
  if (!failed()) {
    if (const auto done = sink_.write_now(octets); !done) {
      failure_ = done.error();
    }
  }
}

base::result<> output_buffer::flush() {
  end_run();
  write_buffer();
  if (const auto done = sink_.drain(); !done && !failed()) {
    failure_ = done.error();
  }
  if (failed()) {
    return failure_;
  }
  return {};
}

void output_buffer::put_run() {
  if (run_.size() >= run_bytes_min) {
    write_run();
    return;
  }
  if (buffer_.size() - used_ < run_.size()) {
    make_room(run_.size());
  }
  std::copy(run_.begin(), run_.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(used_));
  used_ += run_.size();
  run_ = {};
}

void output_buffer::write_run() {
  write_buffer();
  if (!failed()) {
    if (const auto done = sink_.write_stable(run_); !done) {
      failure_ = done.error();
    }
  }
  run_ = {};
}

void output_buffer::make_room(std::size_t count) {
  write_buffer();
  if (buffer_.size() < count) {
    buffer_.resize(count);
  }
}

void output_buffer::write_buffer() {
  if (used_ != 0 && !failed()) {
    if (const auto done = sink_.write_buffer(buffer_, used_); !done) {
      failure_ = done.error();
    }
  }
  if (buffer_.size() > buffer_bytes) {  // for one large piece
    buffer_.resize(buffer_bytes);
    buffer_.shrink_to_fit();
  }
  used_ = 0;
}

}  // namespace captured::format
