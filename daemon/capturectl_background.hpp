// SPDX-License-Identifier: MIT
//
// Work beside the subcommand's own thread, so that two processors share it: writing what goes into
// a file, and bringing in the pages of a mapped one before they are looked at. Neither changes what
// is read or written; without a second processor they cost little.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.hpp"
#include "format/octet_sink.hpp"
#include "format/octet_source.hpp"

namespace captured::capturectl {

/// Starts a thread that takes no signals: what a signal has to do is for the first thread.
[[nodiscard]] std::thread start_thread(std::function<void()> body);

/// Hands octets to another sink from a thread of its own, in their order. Holds at most
/// `pieces_max` pieces of `piece_bytes`, copies of those that do not stay. A failure is told by the
/// next call. One thread may call it.
class background_sink final : public format::octet_sink {
 public:
  /// `to` must outlive it, and be used by no other until drain() returned.
  explicit background_sink(format::octet_sink& to);
  ~background_sink() override;
  background_sink(const background_sink&) = delete;
  background_sink& operator=(const background_sink&) = delete;

  base::result<> write(std::span<const std::byte> octets) override;
  base::result<> write_stable(std::span<const std::byte> octets) override;
  base::result<> write_buffer(std::vector<std::byte>& buffer, std::size_t used) override;
  /// Behind what waits, from the caller's thread.
  base::result<> write_now(std::span<const std::byte> octets) override;
  base::result<> drain() override;

 private:
  static constexpr std::size_t piece_bytes = std::size_t{512} << 10;
  static constexpr std::size_t pieces_max = 8;
  static constexpr std::size_t pieces_wake = 2;
  static constexpr std::size_t bytes_max =
      2 * pieces_max * piece_bytes;  ///< more is one large piece

  struct piece {
    std::span<const std::byte> octets;
    std::vector<std::byte> copy;  ///< what `octets` are in, when they do not stay
  };

  [[nodiscard]] base::result<> put(piece made);
  [[nodiscard]] base::result<> wait_until_idle();
  [[nodiscard]] std::vector<std::byte> free_buffer();
  void run();

  format::octet_sink& to_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<piece> waiting_;
  std::vector<std::vector<std::byte>> free_;
  std::size_t waiting_bytes_ = 0;  ///< with what is being written
  bool full_ = false;              ///< put() waits
  bool busy_ = false;
  bool draining_ = false;
  bool ending_ = false;
  base::failure failure_;
  std::thread thread_;
};

/// A regular file read in order by two threads: one of its own reads ahead, and its user's reads
/// too whenever it would have to wait. What is lent lies in a small ring and stays in the caches.
class ahead_source final : public format::octet_source {
 public:
  /// Is there so much that it pays, and are there not too many of them already?
  [[nodiscard]] static bool pays(std::uint64_t octets) noexcept;

  ahead_source(base::unique_fd fd, std::string path);
  ~ahead_source() override;
  ahead_source(const ahead_source&) = delete;
  ahead_source& operator=(const ahead_source&) = delete;

  base::result<std::size_t> read(std::span<std::byte> room) override;
  base::result<lent_octets> lend() override;
  [[nodiscard]] bool lends() const noexcept override { return true; }

 private:
  static constexpr std::size_t chunk_bytes = std::size_t{512} << 10;
  static constexpr std::size_t headroom = std::size_t{16} << 10;
  static constexpr std::size_t chunks = 6;

  struct chunk {
    std::vector<std::byte> memory;
    std::size_t used = 0;
    int error = 0;
    bool ready = false;
  };

  [[nodiscard]] bool may_claim() const noexcept { return claimed_ < released_ + chunks && !full_; }
  /// Waking a thread costs more than reading some parts: it sleeps until half of the ring is free.
  [[nodiscard]] bool may_wake() const noexcept {
    return claimed_ + chunks / 2 < released_ + chunks && !full_;
  }
  void read_one(std::unique_lock<std::mutex>& lock);
  void run();

  base::unique_fd fd_;
  std::string path_;
  std::array<chunk, chunks> ring_;  ///< the n-th part of the file is in n % chunks
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t claimed_ = 0;   ///< parts that a thread reads or has read
  std::uint64_t released_ = 0;  ///< parts whose room is free again
  std::uint64_t lent_ = 0;      ///< parts given out
  bool full_ = false;           ///< the end of the file is in the ring
  bool ended_ = false;
  bool ending_ = false;
  bool sleeps_ = false;  ///< the thread
  bool waits_ = false;   ///< the user, for a part that the thread reads
  std::thread thread_;
};

/// Brings the pages of a mapping in, a bounded way ahead of where its reader is.
class page_runner {
 public:
  [[nodiscard]] static bool pays(std::uint64_t octets) noexcept;

  /// The octets must outlive it.
  explicit page_runner(std::span<const std::byte> mapped);
  ~page_runner();
  page_runner(const page_runner&) = delete;
  page_runner& operator=(const page_runner&) = delete;

  /// Where the reader is now.
  void at(std::uint64_t offset);

 private:
  void run();

  std::span<const std::byte> mapped_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t reader_ = 0;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace captured::capturectl
