// SPDX-License-Identifier: MIT
#include "pipeline/ring_feed.hpp"

#include "base/check.hpp"

namespace captured::pipeline {

ring_feed::ring_feed(capture::block_source& source, const packet_tap* tap)
    : source_(source), tap_(tap), queue_(source.block_count()) {}

std::uint32_t ring_feed::offer_finished_blocks() noexcept {
  std::uint32_t count = 0;
  while (const auto index = source_.try_take()) {
    if (tap_ != nullptr && !tap_->idle()) [[unlikely]] {
      // Now: the strand may rewrite it, and forgets what was done of it when it gives it back.
      tap_->show({.memory = source_.block_memory(*index),
                  .form = source_.form(),
                  .packets_done = source_.packets_done(*index)});
    }
    // The queue holds as many blocks as there are: a full queue would be our own mistake.
    CAPTURED_CHECK(queue_.push(*index));
    ++count;
  }
  return count;
}

std::optional<capture::block_lease> ring_feed::take() noexcept {
  std::uint32_t index = 0;
  if (!queue_.pop(index)) {
    return std::nullopt;
  }
  source_.begin(index);
  return capture::block_lease(source_, index);
}

std::optional<std::span<const std::byte>> ring_feed::peek() const noexcept {
  if (!has_block()) {
    return std::nullopt;
  }
  return source_.block_memory(queue_.front());
}

}  // namespace captured::pipeline
