// SPDX-License-Identifier: MIT
//
// Puts packets into the order of their times while they pass: any packet that is at most a window
// of packets away from its place gets there. Memory is that of the window. The octets of packets
// must stay where they are until given back: a mapped file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "format/capture_model.hpp"

namespace captured::format {

class packet_sorter {
 public:
  /// Gets each packet in its order.
  using receiver = std::function<void(const capture_packet&, std::uint32_t interface_id)>;

  packet_sorter(std::size_t window_packets, receiver to);

  /// `interface_id` is kept with the packet. A packet without a time stays behind the one before.
  void add(const capture_packet& packet, std::uint32_t interface_id);
  /// Gives all that are held.
  void flush();

  /// Packets that were later than those given before, at flush or before it: not the window's size
  /// away from their place but more.
  [[nodiscard]] std::uint64_t out_of_window() const noexcept { return out_of_window_; }
  /// Packets that were not where they belong.
  [[nodiscard]] std::uint64_t moved() const noexcept { return moved_; }

 private:
  struct key {
    time_ns time;
    std::uint64_t number;  ///< equal times keep their order
    std::uint32_t slot;
    bool operator<(const key& other) const noexcept {
      return time != other.time ? time < other.time : number < other.number;
    }
  };
  struct held {
    capture_packet packet;
    std::uint32_t interface_id = 0;
  };

  void order();
  void give(std::size_t count);
  void prefetch(std::size_t at, std::size_t count) const noexcept;

  std::size_t window_;
  receiver to_;
  std::vector<held> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<key> keys_;  ///< ordered up to `ordered_`
  std::size_t ordered_ = 0;
  std::uint64_t number_ = 0;
  time_ns newest_ = 0;  ///< time of the packet added last
  bool any_given_ = false;
  time_ns given_ = 0;  ///< time of the packet given last
  std::uint64_t out_of_window_ = 0;
  std::uint64_t moved_ = 0;
};

}  // namespace captured::format
