// SPDX-License-Identifier: MIT
//
// The disk of an output in memory, with faults: an implementation of file_operations for tests and
// simulation that does nothing on its own accord, so that every order of events can be tried. It
// also watches the asker: what the contract of file_operations forbids ends the test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/file_operations.hpp"

namespace captured::testing {

/// Used by one thread. An act takes effect when it is completed, not when it is asked for; so acts
/// completed out of order take effect out of order.
class memory_files final : public storage::file_operations {
 public:
  enum class delivery {
    manual,   ///< nothing completes until run_one, run_all or run_at is called
    at_once,  ///< acts are completed before the outermost submit returns
  };

  explicit memory_files(completion_handler handler, delivery how = delivery::manual);

  void submit(storage::file_request request) override;

  /// Sees each request before it is taken.
  void on_submit(std::function<void(const storage::file_request&)> observer) {
    observer_ = std::move(observer);
  }

  // --- Completing ---
  /// Acts that were asked for and can complete now (none while stalled).
  [[nodiscard]] std::size_t ready() const;
  /// Acts asked for and not completed, hanging ones included.
  [[nodiscard]] std::size_t in_flight() const { return waiting_.size(); }
  /// Completes the ready act at this place, 0 being the oldest, even before older ones, as a disk
  /// may. False when there is none.
  bool run_at(std::size_t place);
  bool run_one() { return run_at(0); }
  /// Completes the oldest, then the next, until nothing is ready; returns how many. Acts that the
  /// handler asks for meanwhile are completed too.
  std::size_t run_all();

  // --- Faults ---
  /// Which act a fault strikes: the n-th of its kind that is asked for from now on, 1 the next.
  struct target {
    std::optional<storage::file_action> action = {};  ///< nothing: acts of every kind count
    std::uint64_t nth = 1;
    std::uint64_t times = 1;  ///< as many in a row
  };
  static constexpr std::uint64_t for_ever = std::numeric_limits<std::uint64_t>::max();

  /// The act fails with this errno value and has no effect.
  void fail(target which, int errno_value);
  /// A sync or finish that fails because the device does not take the octets. A finish that does
  /// not ask for forcing is not struck.
  void fail_forcing(target which, int errno_value);
  /// A finish that fails after the file already has its final name.
  void fail_after_rename(target which, int errno_value);
  /// A write takes no more than this many octets.
  void shorten(target which, std::size_t octets_max);
  /// The act never completes, and has no effect.
  void hang(target which);
  /// Forgets all faults; what was already asked for meets its fate.
  void clear_faults() { faults_.clear(); }
  /// While stalled nothing completes; automatic delivery catches up at `release`.
  void stall() { stalled_ = true; }
  void release();
  /// Octets the disk holds; above that nothing is preallocated and writing gives ENOSPC, writes
  /// first take what still fits. May grow and shrink at any time.
  void set_capacity(std::uint64_t bytes) { capacity_bytes_ = bytes; }
  /// Somebody reads every file: what is removed gives its space back only when told false.
  void keep_removed_space(bool keep) {
    keeps_removed_space_ = keep;
    held_bytes_ = keep ? held_bytes_ : 0;
  }
  /// The folder is gone: creating and renaming give ENOENT.
  void set_folder_gone(bool gone) { folder_gone_ = gone; }

  // --- Looking ---
  /// The octets under a name; nothing when there is no such file. Valid until the next act.
  [[nodiscard]] std::optional<std::span<const std::byte>> contents(std::string_view name) const;
  /// What the sidecar of that file holds; empty when nothing was put aside for it.
  [[nodiscard]] std::vector<std::byte> sidecar(std::string_view name) const;
  /// As `contents`, cut before the first octet that no completed write has covered: what a reader
  /// of the open file may rely on.
  [[nodiscard]] std::optional<std::span<const std::byte>> published(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;
  /// Was this file finished without an error, after that being closed?
  [[nodiscard]] bool is_finished(std::string_view name) const;
  [[nodiscard]] std::uint64_t used_bytes() const;
  /// Octets that were forced to the device, by sync or finish, of the file of this name.
  [[nodiscard]] std::uint64_t forced_bytes(std::string_view name) const;
  /// Completed acts of a kind, failed ones included.
  [[nodiscard]] std::uint64_t count(storage::file_action action) const;

  // --- The folder, as others change it ---
  void put(const std::string& name, std::span<const std::byte> octets);
  bool remove(std::string_view name);

  /// What happens when the asker breaks the contract; by default the words go to standard error
  /// and the process aborts.
  void on_breach(std::function<void(const std::string&)> handler) { breach_ = std::move(handler); }

 private:
  struct file {
    std::vector<std::byte> octets;
    std::vector<std::byte> aside;
    std::map<std::uint64_t, std::uint64_t> covered;  // begin → end of what writes have covered
    std::uint64_t reserved_bytes = 0;
    std::uint64_t forced_bytes = 0;
    bool finished = false;
  };
  struct slot {
    std::string name;      // empty while nothing is open
    bool renamed = false;  // by a finish that failed afterwards
  };
  enum class effect { none, fails, fails_forcing, fails_after_rename, shortens, hangs };
  struct fault {
    effect what = effect::none;
    target which;
    int errno_value = 0;
    std::size_t octets_max = std::numeric_limits<std::size_t>::max();
  };
  struct waiting {
    storage::file_request request;
    std::uint64_t checksum = 0;
    fault fate;
  };

  void breach(const std::string& words) const;
  void check(bool holds, const storage::file_request& request, const char* words) const;
  void check_request(const storage::file_request& request) const;
  /// The fate of an act: counts it against all faults, the first that is due strikes.
  fault strike(storage::file_action action);
  void complete(const waiting& act);
  [[nodiscard]] static bool is_forcing_refused(const waiting& act);
  int carry_out(const waiting& act, std::size_t& octets_written);
  int create(const storage::file_request& request);
  int remove(const storage::file_request& request);
  [[nodiscard]] storage::disk_space space() const;
  int rename(slot& where, const std::string& name);
  int write(const waiting& act, std::size_t& octets_written);
  void sync(const slot& where);
  int finish(const waiting& act);
  static void put_aside(file& into, const storage::file_request& request);
  void store(file& into, const storage::file_request& request, std::size_t count);
  [[nodiscard]] file* find(std::string_view name);
  [[nodiscard]] const file* find(std::string_view name) const;
  [[nodiscard]] static std::uint64_t covered_from_start(const file& which);

  completion_handler handler_;
  delivery delivery_;
  std::map<std::string, file, std::less<>> files_;
  std::vector<slot> slots_;
  std::vector<waiting> waiting_;
  std::vector<fault> faults_;
  std::map<storage::file_action, std::uint64_t> counts_;
  std::uint64_t capacity_bytes_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t held_bytes_ = 0;  // of removed files that somebody reads
  bool keeps_removed_space_ = false;
  bool stalled_ = false;
  bool delivering_ = false;
  bool folder_gone_ = false;
  std::function<void(const std::string&)> breach_;
  std::function<void(const storage::file_request&)> observer_;
};

}  // namespace captured::testing
