// SPDX-License-Identifier: MIT
//
// What a device received and lost before any packet socket could see it: isb_ifrecv and isb_ifdrop.
// From /proc/thread-self/net/dev, which takes no lock of the network stack. Not what the ring lost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace captured::capture {

/// Absolute figures since the device was made; differences are the caller's business, and so is
/// that they begin anew when the device does.
struct device_counters {
  std::uint64_t received = 0;  ///< rx_packets
  std::uint64_t dropped = 0;   ///< rx_dropped + rx_missed_errors + rx_fifo_errors

  bool operator==(const device_counters&) const = default;
};

/// Finds a device in the text of the table; nothing when it is not there or its line is malformed.
[[nodiscard]] std::optional<device_counters> parse_device_counters(std::string_view table,
                                                                   std::string_view device_name);

/// Keeps the table open and with it the network namespace of the thread that opened it. Any
/// thread, one at a time; no allocation once the table has been read.
class device_counter_table {
 public:
  static base::result<device_counter_table> open();

  /// Reads the table afresh. Fails with ENODEV when the device is not in it.
  base::result<device_counters> read(std::string_view device_name);

 private:
  explicit device_counter_table(base::unique_fd fd) : fd_(std::move(fd)) {}
  /// The text of the whole table; valid until the next call.
  base::result<std::string_view> read_table();

  base::unique_fd fd_;
  std::string buffer_;
};

}  // namespace captured::capture
