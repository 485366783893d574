// SPDX-License-Identifier: MIT
//
// Two connected virtual Ethernet devices in a network namespace of the test's own, and a sender on
// one of them. Nothing of the machine's network is touched; the namespace ends with the test.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "capture/device.hpp"
#include "capture/filter.hpp"
#include "capture/frame_cursor.hpp"
#include "capture/packet_ring.hpp"

namespace captured::test {

/// Moves the calling thread, and those it starts later, into a fresh namespace with `send0` and
/// `ring0` up and silent.
class veth_pair {
 public:
  /// Nothing when that is not permitted here; says "SKIPPED:" and why.
  static std::optional<veth_pair> make();

  /// What one end sends the other receives. Sends the whole frame or fails the test.
  void send(std::span<const std::byte> frame) const;
  /// As if the ring's own device sent it.
  void send_from_ring_end(std::span<const std::byte> frame) const;

  /// Waits until the ring's end has received what `send` sent: on a busy machine the kernel may
  /// take a while to carry it over.
  void settle() const;

  [[nodiscard]] capture::device ring_end() const;

 private:
  veth_pair() = default;

  std::unique_ptr<std::atomic<std::uint64_t>> sent_ =
      std::make_unique<std::atomic<std::uint64_t>>(0);

  base::unique_fd sender_;
  base::unique_fd ring_end_sender_;
};

/// Runs a command by the shell; fails the test when it fails.
void run(const std::string& command);

/// Waits until both ends are connected; what is sent before is lost without a word.
void wait_for_carrier();

/// Waits until a device has received so many frames since it was made; fails after 20 s.
void wait_for_received(const std::string& device_name, std::uint64_t frames);

/// A raw socket that sends on a device and receives nothing.
[[nodiscard]] base::unique_fd open_sender(const std::string& device_name);

/// What a packet view said, kept beyond the block.
struct kept_packet {
  std::vector<std::byte> data;
  packet::packet_view facts;  ///< its `data` is not valid any more
};

/// Opens a ring of 16 blocks of 64 KiB with a short timeout on the ring's end.
[[nodiscard]] std::unique_ptr<capture::packet_ring> open_ring(
    const capture::device& from, const capture::interface_options& options = {});
[[nodiscard]] capture::interface_options small_ring_options();

/// The exact stop: rejects all, waits three timeouts, takes, keeps and releases what is there.
[[nodiscard]] std::vector<kept_packet> stop_and_drain(capture::packet_ring& ring);

}  // namespace captured::test
