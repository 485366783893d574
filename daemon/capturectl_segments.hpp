// SPDX-License-Identifier: MIT
//
// Finds and sums up the plain packets of a large file on two threads, and copies them where that is
// wanted. The file is cut into segments; where in a segment the blocks begin is guessed, and what
// was found from there counts only if the reader, coming from the front, arrives at that very
// octet. So it is always what one reader would have found; what is not plain it meets itself.
// A segment is copied only when it follows octets that are known to be right.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.hpp"
#include "capturectl_output.hpp"
#include "format/octet_source.hpp"
#include "format/packet_run.hpp"

namespace captured::capturectl {

/// A regular file of which its user can pass parts by.
class placed_source final : public format::octet_source {
 public:
  /// The descriptor must outlive it.
  placed_source(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  base::result<std::size_t> read(std::span<std::byte> room) override;
  void pass(std::uint64_t octets) override { offset_ += octets; }

 private:
  int fd_;
  std::string path_;
  std::uint64_t offset_ = 0;
};

/// Memory for octets that are copied from page to page.
class page_room {
 public:
  /// The first octet gets the place `in_page` of a page. What was there is gone.
  std::span<std::byte> take(std::size_t count, std::size_t in_page);
  [[nodiscard]] std::span<const std::byte> octets() const noexcept { return octets_; }

 private:
  std::vector<std::byte> memory_;
  std::span<std::byte> octets_;
};

/// One thread may call it, that of the reader.
class segment_runs {
 public:
  struct part {
    std::uint64_t octets = 0;       ///< of plain packets from the place on; 0: the reader goes on
    std::uint64_t next_offset = 0;  ///< ask again when the reader is there
    bool copied = false;            ///< they are in the output
    format::packet_totals totals;
  };

  /// Is there so much that it pays?
  [[nodiscard]] static bool pays(std::uint64_t octets) noexcept;

  /// What its user wants of the packets.
  enum class purpose : std::uint8_t { sums, copies };

  /// The descriptor, of a regular file, must outlive it.
  segment_runs(int fd, std::uint64_t octets, purpose wanted);
  ~segment_runs();
  segment_runs(const segment_runs&) = delete;
  segment_runs& operator=(const segment_runs&) = delete;

  /// What is plain from now on: a section or an interface began. Sums of an earlier section that
  /// were made ahead of its end are forgotten.
  void learn(const format::packet_run& run, bool section_began);
  /// Of the segment that holds `offset`, where a block of the section begins. For copies with the
  /// place in the output at which they belong; the descriptor must outlive this. What follows goes
  /// behind it before it is asked for, as long as all of it is plain.
  part take(std::uint64_t offset, const std::optional<file_place>& to);

 private:
  static constexpr std::size_t segment_bytes = std::size_t{512} << 10;
  static constexpr std::size_t overlap_bytes = std::size_t{4} << 10;  ///< most packets are less
  static constexpr std::size_t slots = 16;
  static constexpr unsigned useless_max = 32;

  enum class state : std::uint8_t { free, searched, copied, ready };
  struct slot {
    state is = state::free;
    std::uint64_t number = 0;  ///< the segment
    std::uint64_t begin = 0;   ///< in the file
    std::uint64_t octets = 0;  ///< 0 when nothing plain was found
    std::uint64_t lesson = 0;
    bool in_output = false;
    format::packet_totals totals;
    page_room room;  ///< what was read, when it is yet to be copied
  };

  [[nodiscard]] bool may_claim() const noexcept {
    return next_ < wanted_ + slots && next_ < count_ && useless_ < useless_max && taught_;
  }
  void work_on(std::unique_lock<std::mutex>& lock, std::uint64_t number, page_room& room,
               std::optional<std::uint64_t> begin);
  void copy(std::unique_lock<std::mutex>& lock, slot& mine, page_room& room);
  [[nodiscard]] std::size_t room_in_page() const noexcept;
  void wait(std::unique_lock<std::mutex>& lock);
  void notify();
  void run();

  int fd_;
  std::uint64_t count_;
  bool copies_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<slot, slots> ring_;  ///< the n-th segment is in n % slots
  format::packet_run run_;
  std::uint64_t lesson_ = 0;  ///< sections that began
  std::uint64_t wanted_ = 0;  ///< the segment that the reader is in
  std::uint64_t next_ = 0;    ///< that nobody has looked at
  unsigned useless_ = 0;      ///< segments in turn whose sums were of little use
  bool taught_ = false;
  bool ending_ = false;
  bool sleeps_ = false;
  unsigned waits_ = 0;         ///< threads, for the other's segment
  file_place output_;          ///< of what is at certain_ in the input
  std::uint64_t certain_ = 0;  ///< the reader comes here, and all since it was there is plain
  page_room room_;             ///< of the reader's thread
  std::thread thread_;
};

}  // namespace captured::capturectl
