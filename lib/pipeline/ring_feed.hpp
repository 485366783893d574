// SPDX-License-Identifier: MIT
//
// The way of one ring's blocks from the capture reactor to the writer strand: a lock-free queue
// with one producer and one consumer, as long as the ring, so that pushing can never fail.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include <boost/lockfree/spsc_queue.hpp>

#include "capture/block_source.hpp"
#include "pipeline/packet_tap.hpp"

namespace captured::pipeline {

class ring_feed {
 public:
  /// The source, and the tap if there is one, must outlive the feed.
  explicit ring_feed(capture::block_source& source, const packet_tap* tap = nullptr);

  /// Reactor thread. Shows the tap, and queues, every block that the ring has finished; says how
  /// many.
  std::uint32_t offer_finished_blocks() noexcept;
  /// Reactor thread. No block will follow; what is queued stays to be taken.
  void close() noexcept { closed_.store(true, std::memory_order_release); }
  /// Closes it, while the ring goes on to receive: what follows is for another process.
  void hand_over() noexcept {
    handed_over_.store(true, std::memory_order_relaxed);
    close();
  }
  /// Strand.
  [[nodiscard]] bool is_handed_over() const noexcept {
    return closed() && handed_over_.load(std::memory_order_relaxed);
  }

  /// Strand. The next block in the order of filling, or nothing.
  [[nodiscard]] std::optional<capture::block_lease> take() noexcept;
  /// Strand. The octets of the block that `take` would return next.
  [[nodiscard]] std::optional<std::span<const std::byte>> peek() const noexcept;
  /// Strand. Is a block queued?
  [[nodiscard]] bool has_block() const noexcept { return queue_.read_available() > 0; }
  /// Strand. Closed, and everything was taken. A block offered before `close` is never missed:
  /// the flag is read first.
  [[nodiscard]] bool drained() const noexcept { return closed() && !has_block(); }
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  [[nodiscard]] capture::block_source& source() noexcept { return source_; }

 private:
  capture::block_source& source_;
  const packet_tap* tap_;
  boost::lockfree::spsc_queue<std::uint32_t> queue_;
  std::atomic<bool> closed_{false};
  std::atomic<bool> handed_over_{false};
};

}  // namespace captured::pipeline
