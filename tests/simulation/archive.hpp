// SPDX-License-Identifier: MIT
//
// Every file that ever got a name on one of the disks, what it holds, and whether that may be so.
// Files are judged when they get their names; together, and against what was sent, at the end. All
// names here have the disk's label before them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "breaches.hpp"
#include "format/verification.hpp"
#include "simulated_disk.hpp"
#include "traffic.hpp"

namespace captured::simulation {

struct archived_file {
  std::string name;
  std::vector<found_frame> frames;
  format::file_report report;  ///< of a file that is whole
  std::uint64_t sequence = 0;
  std::string output;
  std::string recording;  ///< each process has its own; empty where the file does not say it
  std::uint64_t size_bytes = 0;
  std::uint64_t checksum = 0;
  base::wall_time changed{};
  bool is_damaged = false;  ///< was set aside
  bool is_closed = false;   ///< the recorder was told that it lasts
  bool is_removed = false;
};

class archive {
 public:
  /// With `must_last` no file may get its final name before the device has all of it.
  archive(breaches& found, bool must_last) : breaches_(found), must_last_(must_last) {}

  void on_named(const std::string& name, std::span<const std::byte> octets, bool forced);
  void on_closed(const std::string& name);
  void on_removed(const std::string& name);
  /// The disk may have lost what was not forced; it had these names before.
  void on_power_lost(const simulated_disk& disk, const std::vector<std::string>& names_before);
  /// What an earlier process left in the page cache may go when the power does.
  static void forget_published(const std::vector<traffic*>& interfaces);
  /// Marks the packets that no end of the process may take away any more.
  void mark_published(const simulated_disk& disk, bool power_is_lost,
                      const std::vector<traffic*>& interfaces);

  /// A file of which nobody has promised that the disk keeps it, as it is still open or was set
  /// aside, holds packets of the interface from a number on.
  [[nodiscard]] bool is_left_unforced(const simulated_disk& disk, std::uint32_t interface,
                                      std::uint32_t first);

  /// An output began while a folder was away, or after one gave up: numbers may be used twice.
  void forgive_gap() noexcept { has_gap_ = true; }
  /// A folder went, or the process did: files that have no name there yet, though they may have
  /// been begun, need not be seen again. With `output` only its own.
  void excuse_unnamed(const simulated_disk& disk, std::string_view output = {});
  /// Of files that are open there the recorder does not hear any more what the disk takes.
  void on_given_up(const simulated_disk& disk, const std::string& output);
  /// Nor of losses behind its last file.
  void on_given_up(const std::string& output, std::uint64_t last);

  [[nodiscard]] const std::map<std::string, archived_file>& files() const { return files_; }

  /// Files against what the disk holds.
  void check_folder(const simulated_disk& disk);
  /// All files against one another.
  void check_chains();
  /// Each loss of rings that outlive their processes is told of by one recording, but for so many
  /// that none may tell of.
  void check_losses(const traffic& sent, std::uint64_t excused);
  /// What is found of an interface against what was sent.
  /// With `all_from`, all that were accepted from this number on must be there.
  void check_packets(std::uint32_t interface, const traffic& sent,
                     const std::vector<account>& accounts,
                     std::optional<std::uint32_t> all_from = std::nullopt);

 private:
  using file_number = std::pair<std::string, std::uint64_t>;  ///< with its output

  [[nodiscard]] bool is_known(const file_number& one) const;
  [[nodiscard]] std::vector<const archived_file*> in_order() const;
  void check_chain(std::span<const format::file_report> files);

  breaches& breaches_;
  bool must_last_;
  bool was_any_set_aside_ = false;
  bool has_gap_ = false;
  bool has_lost_power_ = false;
  std::set<file_number> excused_;   ///< of files that nobody ever saw
  std::set<file_number> given_up_;  ///< while they were open
  std::map<std::string, archived_file> files_;
};

/// The frames in whole blocks of a file; what is no frame of ours is a breach.
[[nodiscard]] std::vector<found_frame> find_frames(std::span<const std::byte> octets,
                                                   const std::string& name, breaches& found);

}  // namespace captured::simulation
