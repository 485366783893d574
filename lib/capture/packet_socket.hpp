// SPDX-License-Identifier: MIT
//
// An AF_PACKET socket with a TPACKET_V3 ring (packet(7)), one step for each act, so that the order
// of steps stands in one place, packet_ring. Knows sockets, not packets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/mapping.hpp"
#include "base/time.hpp"
#include "base/unique_fd.hpp"
#include "capture/block_ring.hpp"
#include "capture/filter_program.hpp"
#include "capture/framing.hpp"
#include "capture/options.hpp"
#include "capture/spare_sockets.hpp"

namespace captured::capture {

/// How the sockets of a fanout group share the packets of a device.
enum class fanout_mode : std::uint8_t { hash, load_balance, cpu, queue };

/// When a filter took another's place: frames stamped before were judged by the old one, frames
/// stamped afterwards by the new one, those in between by either.
struct filter_change {
  base::wall_time before;
  base::wall_time after;
};

/// Move-only owner of the socket. Every failure names the act and the device. Any thread, one at
/// a time; `attach_filter`, `reject_all` and `read_counters` may run beside one another.
class packet_socket {
 public:
  /// A socket that receives nothing yet, for it is made with protocol 0: SOCK_RAW, or SOCK_DGRAM
  /// for cooked packets. Needs CAP_NET_RAW, the later steps do not; or it is one of `spares`, and
  /// goes back to them in the end. `device_name` serves the messages.
  static base::result<packet_socket> open(std::string device_name, framing form,
                                          std::shared_ptr<spare_sockets> spares = nullptr);
  /// One that another process made and bound.
  static packet_socket take_over(base::unique_fd fd, std::string device_name, framing form) {
    return {std::move(fd), std::move(device_name), form, nullptr};
  }
  packet_socket(packet_socket&&) noexcept = default;
  packet_socket& operator=(packet_socket&&) = delete;
  packet_socket(const packet_socket&) = delete;
  packet_socket& operator=(const packet_socket&) = delete;
  ~packet_socket();

  /// Makes the ring and maps it. A size that the kernel cannot grant is a failure that says so,
  /// never a smaller ring; a size above the memory available is not even tried, for the kernel
  /// would rather kill processes than refuse. Unmap before the socket is closed.
  base::result<base::mapping> set_up_ring(const ring_options& options);

  /// Maps a ring that the socket has. Fails with EINVAL when it has another size.
  base::result<base::mapping> map_ring(const ring_options& options);
  /// Is it bound to this device? EINVAL when not.
  [[nodiscard]] base::result<> check_device(int device_index) const;
  /// Is this the program that judges its packets?
  [[nodiscard]] bool has_filter(const filter_program& program) const;

  /// Takes effect for packets that arrive after the call; one that is being judged just then may
  /// still be judged by the filter before.
  base::result<> attach_filter(const filter_program& program);
  /// Attaches the filter and waits until no packet is being judged by the one before, some
  /// milliseconds. When it fails the filter before stays. The interval holds for stamps that are
  /// made where packets are judged, as is usual; stamps of the hardware, or made on reception
  /// because some program asked for such, are older by what the packet waited in the kernel.
  base::result<filter_change> change_filter(const filter_program& program);
  /// No further packet is accepted.
  base::result<> reject_all();

  /// Stamps of the card where it makes them, of the system elsewhere.
  base::result<> prefer_hardware_stamps();
  /// Takes every frame that the device hears, until the socket is closed or the device vanishes.
  base::result<> set_promiscuous(int device_index);
  /// Begins to receive. Again after a device was made anew: ring and filter stay.
  base::result<> bind(int device_index);
  /// Begins a group of sockets that share one device, under a number that no other in the network
  /// namespace has; only after `bind`. The number, for the others to join.
  base::result<std::uint16_t> make_fanout(fanout_mode mode);
  /// Joins a group of sockets of this process that share one device; only after `bind`.
  base::result<> join_fanout(std::uint16_t group, fanout_mode mode);

  /// PACKET_STATISTICS: growth since the last reading.
  [[nodiscard]] producer_counters read_counters() const noexcept;
  /// The same, written by the kernel itself to where it shall be.
  void read_counters(counted_by_kernel& to) const noexcept;

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] const std::string& device_name() const noexcept { return device_name_; }

 private:
  packet_socket(base::unique_fd fd, std::string device_name, framing form,
                std::shared_ptr<spare_sockets> spares)
      : fd_(std::move(fd)),
        device_name_(std::move(device_name)),
        form_(form),
        spares_(std::move(spares)) {}

  base::unique_fd fd_;
  std::string device_name_;
  framing form_;
  /// Whose socket it is, or none. Shared: the last ring is closed when the recording has ended.
  std::shared_ptr<spare_sockets> spares_;
};

}  // namespace captured::capture
