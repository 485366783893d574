// SPDX-License-Identifier: MIT
#include "capture/device_counters.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <unistd.h>

namespace captured::capture {
namespace {

constexpr const char* table_path = "/proc/thread-self/net/dev";
/// Grows the text by this until the table fits: a device takes about 130 octets.
constexpr std::size_t read_bytes = 16 * 1024;
/// Half a million devices: a table that does not end is not read for ever.
constexpr std::size_t table_bytes_max = std::size_t{64} << 20;

std::string_view without_leading_spaces(std::string_view text) {
  const std::size_t start = text.find_first_not_of(' ');
  return start == std::string_view::npos ? std::string_view{} : text.substr(start);
}

/// bytes packets errs drop fifo …; "drop" holds rx_dropped and rx_missed_errors.
std::optional<device_counters> parse_columns(std::string_view columns) {
  std::array<std::uint64_t, 5> values{};
  for (std::uint64_t& value : values) {
    columns = without_leading_spaces(columns);
    const auto [end, error] =
        std::from_chars(columns.data(), columns.data() + columns.size(), value);
    if (error != std::errc{}) {
      return std::nullopt;
    }
    columns.remove_prefix(static_cast<std::size_t>(end - columns.data()));
  }
  return device_counters{.received = values[1], .dropped = values[3] + values[4]};
}

}  // namespace

std::optional<device_counters> parse_device_counters(std::string_view table,
                                                     std::string_view device_name) {
  while (!table.empty()) {
    const std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(line.size() + 1, table.size()));
    // A device's name holds neither a colon nor a space.
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos &&
        without_leading_spaces(line.substr(0, colon)) == device_name) {
      return parse_columns(line.substr(colon + 1));
    }
  }
  return std::nullopt;
}

base::result<device_counter_table> device_counter_table::open() {
  base::unique_fd fd(::open(table_path, O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return base::system_failure(errno, std::string("open ") + table_path);
  }
  return device_counter_table(std::move(fd));
}

base::result<std::string_view> device_counter_table::read_table() {
  std::size_t filled = 0;
  for (;;) {
    if (buffer_.size() - filled < read_bytes) {
      buffer_.resize(filled + read_bytes);
    }
    const ssize_t count = ::pread(fd_.get(), buffer_.data() + filled, buffer_.size() - filled,
                                  static_cast<off_t>(filled));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return base::system_failure(errno, std::string("read ") + table_path);
    }
    filled += static_cast<std::size_t>(count);
    if (count == 0 || filled > table_bytes_max) {
      return std::string_view(buffer_.data(), filled);
    }
  }
}

base::result<device_counters> device_counter_table::read(std::string_view device_name) {
  auto table = read_table();
  if (!table) {
    return table.error();
  }
  const auto counters = parse_device_counters(*table, device_name);
  if (!counters) {
    return base::system_failure(ENODEV, "read counters of " + std::string(device_name));
  }
  return *counters;
}

}  // namespace captured::capture
