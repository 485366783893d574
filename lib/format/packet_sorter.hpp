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
#include "format/packet_run.hpp"

namespace captured::format {

class packet_sorter {
 public:
  /// Gets each packet in its order, the way it was added.
  struct receiver {
    std::function<void(const capture_packet&, std::uint32_t interface_id)> packet;
    std::function<void(const plain_packet&, std::uint32_t interface_id)> plain;
  };

  packet_sorter(std::size_t window_packets, receiver to);

  /// `interface_id` is kept with the packet. A packet without a time stays behind the one before.
  void add(const capture_packet& packet, std::uint32_t interface_id);
  /// The same for a plain packet, of which less must be kept.
  void add(const plain_packet& packet, std::uint32_t interface_id);
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
  /// Small, since tens of thousands of them go through the caches again and again.
  struct held {
    const std::byte* record = nullptr;
    std::uint32_t record_bytes = 0;
    std::uint32_t interface_id = 0;
    std::uint32_t own_id = 0;      ///< of a plain packet: that in its file
    std::uint32_t whole = no_one;  ///< in wholes_, when it is not plain
  };
  static constexpr std::uint32_t no_one = std::numeric_limits<std::uint32_t>::max();

  void hold(const held& one, time_ns time);
  void give_one(const held& one, time_ns time);
  void order();
  void give(std::size_t count);
  void prefetch(std::size_t at, std::size_t count) const noexcept;

  std::size_t window_;
  receiver to_;
  std::vector<held> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<capture_packet> wholes_;
  std::vector<std::uint32_t> wholes_free_;
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
