// SPDX-License-Identifier: MIT
#include "storage/rotation.hpp"

namespace captured::storage {

namespace {

using std::chrono::nanoseconds;

/// The interval in the clock's unit; nothing when it is off or longer than the clock's range.
std::optional<nanoseconds> interval_of(const rotation_options& options) {
  constexpr auto longest = std::chrono::floor<std::chrono::seconds>(nanoseconds::max());
  if (options.interval.count() <= 0 || options.interval > longest) {
    return std::nullopt;
  }
  return nanoseconds(options.interval);
}

bool size_reached(const rotation_options& options, const file_progress& file,
                  std::uint64_t upcoming_bytes) {
  if (options.size_bytes == 0 || file.packets == 0) {
    return false;
  }
  // Subtracted, because the sum of the two could run over.
  return file.size_bytes >= options.size_bytes ||
         upcoming_bytes > options.size_bytes - file.size_bytes;
}

bool interval_reached(const rotation_options& options, const file_progress& file,
                      base::wall_time now) {
  const auto interval = interval_of(options);
  if (!interval || (options.skip_empty && file.packets == 0)) {
    return false;
  }
  if (now >= file.interval_end) {
    return true;
  }
  // A step back. The file began within one interval of its end; one more interval is tolerated,
  // so that a clock set back by milliseconds at a boundary does not make a file for them. Unsigned,
  // because the distance between two moments can be larger than a signed number holds.
  const auto ticks = [](auto duration) { return static_cast<std::uint64_t>(duration.count()); };
  const std::uint64_t ahead =
      ticks(file.interval_end.time_since_epoch()) - ticks(now.time_since_epoch());
  return ahead > 2 * ticks(*interval);
}

}  // namespace

base::wall_time next_interval_end(const rotation_options& options, base::wall_time now) {
  const auto interval = interval_of(options);
  if (!interval) {
    return base::wall_time::max();
  }
  const auto since_epoch = now.time_since_epoch();
  auto into_interval = since_epoch % *interval;
  if (into_interval.count() < 0) {
    into_interval += *interval;  // before 1970 the remainder is negative
  }
  const auto left = *interval - into_interval;
  if (since_epoch > nanoseconds::max() - left) {
    return base::wall_time::max();
  }
  return now + left;
}

rotation_reason rotation_due(const rotation_options& options, const file_progress& file,
                             std::uint64_t upcoming_bytes, base::wall_time now) {
  if (size_reached(options, file, upcoming_bytes)) {
    return rotation_reason::size;
  }
  if (interval_reached(options, file, now)) {
    return rotation_reason::interval;
  }
  if (packets_left(options, file) == std::uint64_t{0}) {
    return rotation_reason::packets;
  }
  return rotation_reason::none;
}

std::optional<std::uint64_t> packets_left(const rotation_options& options,
                                          const file_progress& file) {
  if (options.packets == 0) {
    return std::nullopt;
  }
  return file.packets >= options.packets ? 0 : options.packets - file.packets;
}

}  // namespace captured::storage
