// SPDX-License-Identifier: MIT
#include "capturectl_background.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

#include "base/blocked_signals.hpp"

namespace captured::capturectl {
namespace {

/// For less than this a thread is not worth its start.
constexpr std::uint64_t octets_min = std::uint64_t{16} << 20;
/// More threads than this only get into one another's way.
constexpr int readers_max = 2;
std::atomic<int> readers = 0;

}  // namespace

std::thread start_thread(std::function<void()> body) {
  const base::blocked_signals blocked;
  return std::thread(std::move(body));
}

background_sink::background_sink(format::octet_sink& to)
    : to_(to), thread_(start_thread([this] { run(); })) {}

background_sink::~background_sink() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

base::result<> background_sink::write(std::span<const std::byte> octets) {
  while (!octets.empty()) {
    const auto now = octets.first(std::min(octets.size(), piece_bytes));
    piece made{.octets = {}, .copy = free_buffer()};
    made.copy.assign(now.begin(), now.end());
    made.octets = made.copy;
    if (auto done = put(std::move(made)); !done) {
      return done;
    }
    octets = octets.subspan(now.size());
  }
  return {};
}

base::result<> background_sink::write_stable(std::span<const std::byte> octets) {
  return put({.octets = octets, .copy = {}});
}

base::result<> background_sink::write_buffer(std::vector<std::byte>& buffer, std::size_t used) {
  const std::size_t size = buffer.size();
  piece made{.octets = std::span(buffer).first(used), .copy = std::move(buffer)};
  buffer = free_buffer();
  buffer.resize(std::min(size, piece_bytes));
  return put(std::move(made));
}

base::result<> background_sink::write_now(std::span<const std::byte> octets) {
  auto done = wait_until_idle();
  return done ? to_.write_now(octets) : done;
}

base::result<> background_sink::drain() {
  auto done = wait_until_idle();
  return done ? to_.drain() : done;
}

base::result<> background_sink::wait_until_idle() {
  std::unique_lock lock(mutex_);
  if (!waiting_.empty() || busy_) {
    draining_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return (waiting_.empty() && !busy_) || failure_.code.failed(); });
    draining_ = false;
  }
  if (failure_.code.failed()) {
    return failure_;
  }
  return {};
}

std::vector<std::byte> background_sink::free_buffer() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) {
    return {};
  }
  std::vector<std::byte> buffer = std::move(free_.back());
  free_.pop_back();
  return buffer;
}

base::result<> background_sink::put(piece made) {
  // Threads wake one another for half a queue, not for each piece: that costs more than writing it.
  std::unique_lock lock(mutex_);
  if (waiting_.size() == pieces_max || waiting_bytes_ > bytes_max) {
    full_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] {
      return (waiting_.size() <= pieces_max / 2 && waiting_bytes_ <= bytes_max) ||
             failure_.code.failed();
    });
    full_ = false;
  }
  if (failure_.code.failed()) {
    return failure_;
  }
  waiting_bytes_ += made.octets.size();
  waiting_.push_back(std::move(made));
  const bool wake = waiting_.size() == pieces_wake;
  lock.unlock();
  if (wake) {
    changed_.notify_all();
  }
  return {};
}

void background_sink::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (waiting_.empty()) {
      changed_.notify_all();  // of drain()
      changed_.wait(lock, [this] {
        return waiting_.size() >= pieces_wake || ((draining_ || full_) && !waiting_.empty()) ||
               ending_;
      });
    }
    if (ending_ || failure_.code.failed()) {
      return;  // what was not drained is not wanted
    }
    piece now = std::move(waiting_.front());
    waiting_.pop_front();
    busy_ = true;
    lock.unlock();
    const auto done = to_.write(now.octets);
    lock.lock();
    busy_ = false;
    if (!done) {
      failure_ = done.error();
    }
    waiting_bytes_ -= now.octets.size();
    if (now.copy.capacity() != 0 && now.copy.capacity() <= 2 * piece_bytes) {
      free_.push_back(std::move(now.copy));
    }
    if ((full_ && waiting_bytes_ <= bytes_max && waiting_.size() <= pieces_max / 2) ||
        waiting_.size() == pieces_max / 2 || failure_.code.failed()) {
      changed_.notify_all();
    }
  }
}

bool ahead_source::pays(std::uint64_t octets) noexcept {
  return octets >= octets_min && readers < readers_max;
}

ahead_source::ahead_source(base::unique_fd fd, std::string path)
    : fd_(std::move(fd)), path_(std::move(path)) {
  ++readers;
  for (chunk& each : ring_) {
    each.memory.resize(headroom + chunk_bytes);
  }
  thread_ = start_thread([this] { run(); });
}

ahead_source::~ahead_source() {
  --readers;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

base::result<std::size_t> ahead_source::read(std::span<std::byte> /*room*/) {
  return base::system_failure(ENOTSUP, "read " + path_);  // it lends
}

base::result<ahead_source::lent_octets> ahead_source::lend() {
  std::unique_lock lock(mutex_);
  if (ended_) {
    return lent_octets{};
  }
  // The part lent last stays; the one before it is no longer looked at.
  released_ = lent_ == 0 ? 0 : lent_ - 1;
  chunk& wanted = ring_[lent_ % chunks];
  if (sleeps_ && may_wake()) {
    changed_.notify_one();
  }
  while (!wanted.ready) {
    if (may_claim()) {
      read_one(lock);
    } else {
      waits_ = true;
      changed_.wait(lock);
      waits_ = false;
    }
  }
  wanted.ready = false;
  ++lent_;
  ended_ = wanted.used < chunk_bytes;
  if (wanted.error != 0) {
    return base::system_failure(wanted.error, "read " + path_);
  }
  return lent_octets{.octets = std::span(wanted.memory).subspan(headroom, wanted.used),
                     .headroom = headroom};
}

/// Reads the next part that nobody reads.
void ahead_source::read_one(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t number = claimed_++;
  chunk& part = ring_[number % chunks];
  lock.unlock();
  const auto room = std::span(part.memory).subspan(headroom);
  std::size_t used = 0;
  int error = 0;
  while (used < chunk_bytes) {
    const ssize_t count = ::pread(fd_.get(), room.data() + used, chunk_bytes - used,
                                  static_cast<off_t>(number * chunk_bytes + used));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      error = count < 0 ? errno : 0;
      break;
    }
    used += static_cast<std::size_t>(count);
  }
  lock.lock();
  part.used = used;
  part.error = error;
  part.ready = true;
  full_ = full_ || used < chunk_bytes;
  if (waits_) {
    changed_.notify_one();
  }
}

void ahead_source::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (may_claim()) {
      read_one(lock);
    } else {
      sleeps_ = true;
      changed_.wait(lock, [this] { return may_wake() || ending_; });
      sleeps_ = false;
    }
  }
}

bool page_runner::pays(std::uint64_t octets) noexcept {
  return octets >= octets_min && readers < readers_max;
}

page_runner::page_runner(std::span<const std::byte> mapped)
    : mapped_(mapped), thread_(start_thread([this] { run(); })) {
  ++readers;
}

page_runner::~page_runner() {
  --readers;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void page_runner::at(std::uint64_t offset) {
  {
    const std::lock_guard lock(mutex_);
    reader_ = offset;
  }
  changed_.notify_all();
}

void page_runner::run() {
  constexpr std::size_t step_bytes = std::size_t{1} << 20;
  constexpr std::size_t lead_bytes = std::size_t{8} << 20;  // what fits into the caches
  constexpr std::size_t line = 64;
  std::size_t done = 0;
  std::unique_lock lock(mutex_);
  while (done < mapped_.size()) {
    changed_.wait(lock, [&] { return ending_ || done < reader_ + lead_bytes; });
    if (ending_) {
      return;
    }
    // A reader that overtook it faults in its pages itself.
    done = std::max<std::size_t>(done, reader_ / step_bytes * step_bytes);
    lock.unlock();
    const auto part = mapped_.subspan(done, std::min(step_bytes, mapped_.size() - done));
    // Fails where the kernel does not know it, or the file has become shorter: then the reader
    // meets the same.
    if (::madvise(const_cast<std::byte*>(part.data()), part.size(), MADV_POPULATE_READ) != 0) {
      return;
    }
    // The reader follows lengths, and would wait for each of them; here all lines are asked for at
    // once.
    for (std::size_t at = 0; at < part.size(); at += line) {
      static_cast<void>(*static_cast<const volatile std::byte*>(part.data() + at));
    }
    done += part.size();
    lock.lock();
  }
}

}  // namespace captured::capturectl
