// SPDX-License-Identifier: MIT
//
// Keeps the finished files of one output within their limits, in all its folders: knows which there
// are, asks for the space of the disks, and has removed what retention says, one file at a time.
// Which files those are is decided by storage/retention; removing is an act of
// storage::file_operations.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "pipeline/open_files.hpp"
#include "storage/file_operations.hpp"
#include "storage/retention.hpp"

namespace captured::pipeline {

/// What the owner is told, on its own strand; either may be empty.
struct file_keeper_events {
  std::function<void(const storage::kept_file&, storage::removal_reason)> removed;
  std::function<void(const base::failure&)> trouble;  ///< a file could not be removed
};

/// For the status of an output.
struct kept_figures {
  std::uint64_t files = 0;   ///< finished ones
  std::uint64_t octets = 0;  ///< of those
  std::optional<base::wall_time> oldest;
  std::uint64_t octets_written = 0;          ///< since the output was opened, for a rate
  std::optional<std::uint64_t> room_octets;  ///< until the first must go, as far as it is known
};

/// One thread (the strand) at a time. Requests go to the same file_operations as those of
/// `open_files`; those two must outlive it.
class file_keeper {
 public:
  file_keeper(storage::file_operations& disk, const storage::retain_options& limits,
              file_keeper_events events);

  /// A folder can be asked; `earlier` are the finished files that it holds, of any place.
  void attach(std::uint32_t place, std::string directory, std::vector<storage::kept_file> earlier);
  /// It cannot; what it holds is not known any more.
  void detach(std::uint32_t place);
  /// While it fails, its files neither go nor count.
  void set_reachable(std::uint32_t place, bool reachable) noexcept {
    places_[place].is_reachable = reachable;
  }
  void set_limits(const storage::retain_options& limits) noexcept { limits_ = limits; }
  /// A file of this output was finished.
  void add(const closed_file& file, base::wall_time now);
  /// A file of an earlier life was repaired or set aside, or one was closed after its folder had
  /// been opened anew; it may be known already.
  void add(storage::kept_file file);
  /// Has done what is due. To be called after each event, and every few seconds without one.
  void run(base::moment now, const open_files& files);
  /// Takes completions of `remove` and `measure`. True when a full disk has got room: what failed
  /// for want of it may be tried again.
  bool on_completion(const storage::file_completion& done, base::steady_time now);

  /// A file is being removed, in a folder that can be reached.
  [[nodiscard]] bool is_removing() const noexcept;
  /// The disk is close to full, and nothing may be removed that would help.
  [[nodiscard]] bool is_full(std::uint32_t place) const noexcept { return places_[place].is_full; }
  /// It has room enough to go back to.
  [[nodiscard]] bool has_plenty(std::uint32_t place) const noexcept;
  /// `place` is the one that files are made in.
  [[nodiscard]] kept_figures figures(const open_files& files, std::uint32_t place = 0) const;

 private:
  struct given_back {
    std::uint64_t bytes;
    base::steady_time until;
  };
  [[nodiscard]] storage::retention_facts facts(base::wall_time now, const open_files& files) const;
  void request_removal(const storage::removal& what);
  [[nodiscard]] std::optional<std::size_t> index_of(const std::string& name,
                                                    std::uint32_t place) const;
  /// The file was not removed.
  void on_left(std::size_t index, const base::error_code& why, base::steady_time now);

  struct ongoing {
    std::string name;
    storage::removal_reason reason;
  };
  struct place_state {
    std::string directory;
    bool is_attached = false;
    bool is_reachable = true;
    bool is_full = false;
    std::uint64_t folder = 0;  ///< counts attachments: tells answers about the one before
    std::optional<storage::disk_space> space = {};
    base::steady_time measured_at{};
    bool measuring = false;
    std::vector<given_back> coming = {};
    base::steady_time pause_until{};  ///< no removal before this, since one has just failed
    std::optional<ongoing> removing = {};
  };

  void look_at_space(base::steady_time now);
  void forget_pins(base::steady_time now);

  storage::file_operations& disk_;
  storage::retain_options limits_;
  storage::kept_files kept_;
  file_keeper_events events_;
  std::array<place_state, storage::places_max> places_;
  bool has_pins_ = false;  ///< files that were found pinned, or could not be removed
  base::steady_time pins_forgotten_at_{};
};

}  // namespace captured::pipeline
