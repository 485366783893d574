// SPDX-License-Identifier: MIT
#include "capturectl_segments.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include <unistd.h>

#include "base/bytes.hpp"
#include "capturectl_background.hpp"

namespace captured::capturectl {
namespace {

/// For less than this a thread is not worth its start.
constexpr std::uint64_t octets_min = std::uint64_t{16} << 20;
constexpr std::size_t page_bytes = 4096;

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

/// All of them?
bool write_at(int fd, std::span<const std::byte> octets, std::uint64_t offset) {
  while (!octets.empty()) {
    const ssize_t count = ::pwrite(fd, octets.data(), octets.size(), static_cast<off_t>(offset));
    if (count < 0 && errno != EINTR) {
      return false;
    }
    const std::size_t done = count < 0 ? 0 : static_cast<std::size_t>(count);
    octets = octets.subspan(done);
    offset += done;
  }
  return true;
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

std::span<std::byte> page_room::take(std::size_t count, std::size_t in_page) {
  memory_.resize(count + 2 * page_bytes);
  const auto begin = reinterpret_cast<std::uintptr_t>(memory_.data());
  octets_ = std::span(memory_).subspan(base::align_up(begin, page_bytes) - begin + in_page, count);
  return octets_;
}

bool segment_runs::pays(std::uint64_t octets) noexcept {
  return octets >= octets_min;
}

segment_runs::segment_runs(int fd, std::uint64_t octets, purpose wanted)
    : fd_(fd),
      count_((octets + segment_bytes - 1) / segment_bytes),
      copies_(wanted == purpose::copies),
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

segment_runs::part segment_runs::take(std::uint64_t offset, const std::optional<file_place>& to) {
  std::unique_lock lock(mutex_);
  const std::uint64_t number = offset / segment_bytes;
  part found{
      .octets = 0, .next_offset = (number + 1) * segment_bytes, .copied = false, .totals = {}};
  wanted_ = number;
  if (useless_ == useless_max || (copies_ && !to)) {
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
    if (to) {
      output_ = *to;
      certain_ = offset;
    }
    work_on(lock, number, room_, offset);
  }
  while (here.is == state::searched || here.is == state::copied) {
    if (may_claim()) {
      work_on(lock, next_++, room_, std::nullopt);
    } else {
      wait(lock);
    }
  }
  if (here.is == state::ready && here.begin == offset && here.lesson == lesson_) {
    if (copies_ && !here.in_output) {
      output_ = *to;
      certain_ = offset;
      copy(lock, here, here.room);
    }
    if (!copies_ || here.in_output) {
      found.octets = here.octets;
      found.copied = copies_;
      found.totals = std::move(here.totals);
    }
  }
  useless_ = found.octets < segment_bytes / 2 ? useless_ + 1 : 0;
  here.is = state::free;
  return found;
}

/// Goes over a segment that nobody has; where its blocks begin is known, or is to be guessed.
void segment_runs::work_on(std::unique_lock<std::mutex>& lock, std::uint64_t number,
                           page_room& room, std::optional<std::uint64_t> begin) {
  slot& mine = ring_[number % slots];
  mine.is = state::searched;
  mine.number = number;
  const format::packet_run run = run_;
  const std::uint64_t lesson = lesson_;
  const std::size_t in_page = room_in_page();
  lock.unlock();
  const auto space = room.take(segment_bytes + overlap_bytes, in_page);
  const std::uint64_t first = number * segment_bytes;
  const auto octets = space.first(read_at(fd_, space, first));
  const auto at = begin ? std::optional<std::size_t>(*begin - first) : run.guess(octets);
  std::size_t went = 0;
  format::packet_totals totals;
  if (at && *at < std::min(octets.size(), segment_bytes)) {
    went = run.go(octets.subspan(*at), segment_bytes - *at, totals);
  }
  lock.lock();
  mine.begin = first + at.value_or(0);
  mine.octets = went;
  mine.lesson = lesson;
  mine.in_output = false;
  mine.totals = std::move(totals);
  if (copies_ && went != 0) {
    mine.is = state::copied;
    notify();
    const slot& before = ring_[(number + slots - 1) % slots];
    while (before.is == state::searched && before.number + 1 == number) {
      wait(lock);
    }
    copy(lock, mine, room);
    if (!mine.in_output) {
      std::swap(mine.room, room);
    }
  }
  mine.is = state::ready;
  notify();
}

/// If it is certain that the octets belong into the output.
void segment_runs::copy(std::unique_lock<std::mutex>& lock, slot& mine, page_room& room) {
  if (mine.begin != certain_ || mine.lesson != lesson_ || output_.fd < 0) {
    return;
  }
  const file_place to = output_;
  certain_ += mine.octets;
  output_.offset += mine.octets;
  const auto octets = room.octets().subspan(mine.begin % segment_bytes, mine.octets);
  lock.unlock();
  const bool done = write_at(to.fd, octets, to.offset);
  lock.lock();
  mine.in_output = done;
}

/// Half a page away from where the octets belong in the output. Processors take loads for stores
/// that are as far into another page; where the copy lay just behind it took twice the time.
std::size_t segment_runs::room_in_page() const noexcept {
  return (output_.offset - certain_ + page_bytes / 2) % page_bytes;
}

void segment_runs::wait(std::unique_lock<std::mutex>& lock) {
  ++waits_;
  changed_.wait(lock);
  --waits_;
}

void segment_runs::notify() {
  if (waits_ != 0) {
    changed_.notify_all();
  }
}

void segment_runs::run() {
  page_room room;
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
