// SPDX-License-Identifier: MIT
//
// Which finished files go? A plain function of what is known of files and disk; no clock, no file.
// What is removed, and when it is asked, is the work of pipeline/file_keeper.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "storage/disk_space.hpp"
#include "storage/options.hpp"

namespace captured::storage {

/// A finished file of an output, or one that was set aside as damaged.
struct kept_file {
  std::string name;
  std::uint64_t size_bytes = 0;
  std::uint64_t allocated_bytes = 0;  ///< what the disk gets back when it goes
  base::wall_time changed{};          ///< last change of its octets
  bool is_pinned = false;             ///< somebody wants it to stay
  std::uint64_t sequence = 0;         ///< its number in the series; 0 when that is not known
  std::uint32_t place = 0;            ///< in which of the output's folders
};

/// The finished files of one output in all its folders, oldest first, with their sums.
class kept_files {
 public:
  kept_files() = default;
  /// Puts them in order: by their number, for clocks step; then by the time of their last change,
  /// then by name.
  explicit kept_files(std::vector<kept_file> all);

  /// Takes its place in the order, which for one that was finished just now is the last.
  void add(kept_file file);
  /// It is gone, or not ours.
  void erase(std::size_t index);
  void set_pinned(std::size_t index, bool pinned) { files_[index].is_pinned = pinned; }

  [[nodiscard]] const std::deque<kept_file>& files() const noexcept { return files_; }
  /// Of one folder, and of all.
  struct sum {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
  };
  [[nodiscard]] sum of(std::uint32_t place) const noexcept { return sums_[place]; }
  [[nodiscard]] std::uint64_t bytes() const noexcept;
  /// Nothing is known any more of a folder's files.
  void forget(std::uint32_t place);

 private:
  std::deque<kept_file> files_;
  std::array<sum, places_max> sums_{};
};

/// What is known of a folder and its disk.
struct place_facts {
  bool is_reachable = true;              ///< else its files can neither be removed nor count
  std::optional<disk_space> space = {};  ///< nothing: not measured yet
  std::uint64_t coming_bytes = 0;        ///< of files removed, but not given back yet by the disk
  std::uint64_t needed_bytes = 0;        ///< octets for which the disk said that it is full
  std::optional<std::size_t> leaving = {};  ///< in kept_files::files: it is being removed
};

/// What is known besides the files.
struct retention_facts {
  base::wall_time now{};
  std::uint64_t ending_bytes = 0;  ///< of files that are being closed: they are kept soon
  std::uint64_t ending_files = 0;  ///< how many those are
  std::array<place_facts, places_max> places = {};
  /// Highest number that an open file can tell to a later life. A newest file above it stays, so
  /// that the series does not begin anew.
  std::uint64_t open_sequence = std::numeric_limits<std::uint64_t>::max();
};

/// Which limit a file goes for.
enum class removal_reason : std::uint8_t { age, size, files, free, full };

struct removal {
  std::size_t index = 0;  ///< in kept_files::files
  removal_reason reason = removal_reason::age;
};

/// Octets to be left free in the file system; 0 for no such limit.
[[nodiscard]] std::uint64_t free_wanted(const retain_options& limits, const disk_space& space);

/// The files that must go so that every limit holds, oldest first, and no file beyond, besides
/// those that are being removed. Pinned files count and stay. A full disk makes room even within
/// the limits, but only where there is a limit: without any, nothing is ever removed. Takes time
/// for what it removes and for pinned files.
[[nodiscard]] std::vector<removal> plan_removals(const retain_options& limits,
                                                 const kept_files& kept,
                                                 const retention_facts& facts);

/// Octets that can still be stored in a folder before the first file must go; nothing when neither
/// a limit nor the disk says so.
[[nodiscard]] std::optional<std::uint64_t> room_left(const retain_options& limits,
                                                     const kept_files& kept,
                                                     const retention_facts& facts,
                                                     std::uint32_t place = 0);

}  // namespace captured::storage
