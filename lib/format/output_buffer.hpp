// SPDX-License-Identifier: MIT
//
// Gathers small pieces for a sink. Pieces that stay where they are, from a mapped file, are not
// copied when they lie one behind the other: a copy of a file goes out in long runs. The first
// failure of the sink is kept; what comes after it is dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "format/octet_sink.hpp"

namespace captured::format {

class output_buffer {
 public:
  /// The sink must outlive it. What is not flushed at the end of its life is lost.
  explicit output_buffer(octet_sink& sink);
  output_buffer(const output_buffer&) = delete;
  output_buffer& operator=(const output_buffer&) = delete;

  /// Room for `count` octets, all of which the caller writes before the next call.
  [[nodiscard]] std::byte* extend(std::size_t count) {
    end_run();
    if (buffer_.size() - used_ < count) [[unlikely]] {
      make_room(count);
    }
    std::byte* const room = buffer_.data() + used_;
    used_ += count;
    written_ += count;
    return room;
  }

  /// Copies what is not large; that is written before it returns.
  void append(std::span<const std::byte> octets);

  /// Octets that stay where they are until the next flush.
  void append_stable(std::span<const std::byte> octets) {
    if (octets.data() == run_.data() + run_.size() && !run_.empty()) [[likely]] {
      run_ = {run_.data(), run_.size() + octets.size()};
    } else {
      end_run();
      run_ = octets;
    }
    written_ += octets.size();
    if (run_.size() >= run_bytes_max) {
      write_run();
    }
  }

  /// Longer pieces are not worth a copy.
  static constexpr std::size_t large_bytes = std::size_t{1} << 20;

  /// Has them written behind all else before it returns.
  void append_now(std::span<const std::byte> octets);

  /// Octets that others put behind what was flushed.
  void pass(std::uint64_t octets) noexcept { written_ += octets; }

  /// Hands everything to the sink; the first failure of it.
  [[nodiscard]] base::result<> flush();

  /// From now on as if the sink had failed: nothing more goes to it, and flush() tells why.
  void fail(base::failure why) {
    if (!failed()) {
      failure_ = std::move(why);
    }
  }

  /// Octets given to it so far.
  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
  [[nodiscard]] bool failed() const noexcept { return failure_.code.failed(); }

 private:
  /// So much goes to the sink at once: large enough that calls cost nothing, small enough that the
  /// octets are still in the cache when the kernel copies them.
  static constexpr std::size_t run_bytes_max = std::size_t{512} << 10;

  void end_run() {
    if (!run_.empty()) [[unlikely]] {
      put_run();
    }
  }
  void put_run();
  void write_run();
  void make_room(std::size_t count);
  void write_buffer();

  octet_sink& sink_;
  std::vector<std::byte> buffer_;
  std::size_t used_ = 0;
  std::span<const std::byte> run_;
  std::uint64_t written_ = 0;
  base::failure failure_;
};

}  // namespace captured::format
