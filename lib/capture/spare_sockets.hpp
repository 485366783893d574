// SPDX-License-Identifier: MIT
//
// Packet sockets that were made while there was the right to, for rings that are opened when there
// is none any more. All else, filter, ring, device and fanout group, takes no right (packet(7)).
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "capture/framing.hpp"

namespace captured::capture {

/// Any thread. None receives anything while it lies here.
class spare_sockets {
 public:
  /// `count` for devices whose packets are recorded as they are, and as many for cooked ones.
  /// Needs CAP_NET_RAW.
  static base::result<std::shared_ptr<spare_sockets>> open(std::uint32_t count);

  /// Waits some moments when all are in use, for a ring that is being closed gives its own back
  /// soon; then fails with EMFILE. `device_name` serves the message.
  base::result<base::unique_fd> take(framing form, const std::string& device_name);

  /// Takes back a socket whose ring is not mapped any more, and undoes what was done to it. One
  /// that cannot be undone, as after it joined a fanout group, is closed and missing from now on.
  void give_back(framing form, base::unique_fd socket) noexcept;

 private:
  spare_sockets() = default;
  struct pool {
    std::vector<base::unique_fd> sockets;
    std::uint32_t lost = 0;  ///< could not be undone
  };
  /// Of the two kinds of socket the one that gives packets in this form.
  pool& kind(framing form) noexcept { return kinds_[form == framing::cooked ? 1 : 0]; }

  std::mutex mutex_;
  std::condition_variable came_back_;
  std::uint32_t count_ = 0;
  std::array<pool, 2> kinds_;
};

/// A packet socket that receives nothing, for it is made with protocol 0. Needs CAP_NET_RAW.
[[nodiscard]] base::result<base::unique_fd> make_packet_socket(framing form,
                                                               const std::string& context);

}  // namespace captured::capture
