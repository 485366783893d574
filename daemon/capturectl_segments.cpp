// SPDX-License-Identifier: MIT
#include "capturectl_segments.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include <unistd.h>

#include "capturectl_background.hpp"

namespace captured::capturectl {
namespace {

/// For less than this a thread is not worth its start.
constexpr std::uint64_t octets_min = std::uint64_t{16} << 20;

/// As many octets as there are; fewer at the end and where they cannot be read.
std::size_t read_at(int fd, std::span<std::byte> room, std::uint64_t offset) {
  std::size_t used = 0;
  while (used < room.size()) {
    const ssize_t count =
        ::pread(fd, room.data() + used, room.size() - used, static_cast<off_t>(offset + used));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      break;  // the reader comes here too, and says it
    }
    used += static_cast<std::size_t>(count);
  }
  return used;
}

}  // namespace

base::result<std::size_t> placed_source::read(std::span<std::byte> room) {
  while (true) {
    const ssize_t count = ::pread(fd_, room.data(), room.size(), static_cast<off_t>(offset_));
    if (count >= 0) {
      offset_ += static_cast<std::uint64_t>(count);
      return static_cast<std::size_t>(count);
    }
    if (errno != EINTR) {
      return base::system_failure(errno, "read " + path_);
    }
  }
}

bool segment_runs::pays(std::uint64_t octets) noexcept {
  return octets >= octets_min;
}

segment_runs::segment_runs(int fd, std::uint64_t octets, content wanted)
    : fd_(fd),
      count_((octets + segment_bytes - 1) / segment_bytes),
      keeps_(wanted == content::octets),
      thread_(start_thread([this] { run(); })) {}

segment_runs::~segment_runs() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void segment_runs::learn(const format::packet_run& run, bool section_began) {
  const std::lock_guard lock(mutex_);
  run_ = run;
  lesson_ += section_began ? 1u : 0u;
  taught_ = true;
}

segment_runs::part segment_runs::take(std::uint64_t offset) {
  std::unique_lock lock(mutex_);
  const std::uint64_t number = offset / segment_bytes;
  part found{.octets = 0, .next_offset = (number + 1) * segment_bytes, .totals = {}};
  wanted_ = number;
  if (useless_ == useless_max) {
    found.next_offset = std::numeric_limits<std::uint64_t>::max();
    return found;
  }
  const bool unknown = next_ <= number;
  next_ = std::max(next_, number + 1);
  // Waking a thread costs more than a segment: it sleeps until half of them are wanted.
  if (sleeps_ && may_claim() && next_ <= wanted_ + slots / 2) {
    changed_.notify_all();
  }
  slot& here = ring_[number % slots];
  if (unknown) {  // nobody has it: it is gone over here, from the place itself
    work_on(lock, number, room_, offset);
  }
  while (here.is == state::working) {
    if (may_claim()) {
      work_on(lock, next_++, room_, std::nullopt);
    } else {
      waits_ = true;
      changed_.wait(lock);
      waits_ = false;
    }
  }
  if (here.is == state::ready && here.begin == offset && here.lesson == lesson_) {
    found.octets = here.octets;
    found.totals = std::move(here.totals);
    if (keeps_) {
      found.data = std::span(here.room).subspan(offset - number * segment_bytes, here.octets);
    }
  }
  useless_ = found.octets < segment_bytes / 2 ? useless_ + 1 : 0;
  here.is = state::free;
  return found;
}

/// Goes over a segment that nobody has; where its blocks begin is known, or is to be guessed.
void segment_runs::work_on(std::unique_lock<std::mutex>& lock, std::uint64_t number,
                           std::vector<std::byte>& room, std::optional<std::uint64_t> begin) {
  slot& mine = ring_[number % slots];
  mine.is = state::working;
  const format::packet_run run = run_;
  const std::uint64_t lesson = lesson_;
  lock.unlock();
  slot made{.is = state::ready,
            .begin = begin.value_or(0),
            .octets = 0,
            .lesson = lesson,
            .totals = {},
            .room = std::move(mine.room)};
  std::vector<std::byte>& into = keeps_ ? made.room : room;
  into.resize(segment_bytes + overlap_bytes);
  const std::uint64_t first = number * segment_bytes;
  const auto octets = std::span(into).first(read_at(fd_, into, first));
  const auto at = begin ? std::optional<std::size_t>(*begin - first) : run.guess(octets);
  if (at && *at < std::min(octets.size(), segment_bytes)) {
    made.begin = first + *at;
    made.octets = run.go(octets.subspan(*at), segment_bytes - *at, made.totals);
  }
  lock.lock();
  mine = std::move(made);
  if (waits_) {
    changed_.notify_all();
  }
}

void segment_runs::run() {
  std::vector<std::byte> room;
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (may_claim()) {
      work_on(lock, next_++, room, std::nullopt);
    } else {
      sleeps_ = true;
      changed_.wait(lock);
      sleeps_ = false;
    }
  }
}

}  // namespace captured::capturectl
