// SPDX-License-Identifier: MIT
//
// Every file that ever got a name on one of the disks, what it holds, and whether that may be so.
// Files are judged when they get their names; together, and against what was sent, at the end. All
// names here have the disk's label before them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
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
  /// The disk may have lost what was not forced.
  void on_power_lost(const simulated_disk& disk);
  /// What an earlier process left in the page cache may go when the power does.
  static void forget_published(const std::vector<traffic*>& interfaces);
  /// Marks the packets that no end of the process may take away any more.
  void mark_published(const simulated_disk& disk, bool power_is_lost,
                      const std::vector<traffic*>& interfaces);

  /// An output gave up files that it had begun, and goes on: what they were to say is not known.
  void forgive_gap() noexcept { has_gap_ = true; }
  /// A folder went while files were open there: of one that has no name yet nothing may remain.
  void forgive_missing() noexcept { may_miss_files_ = true; }

  [[nodiscard]] const std::map<std::string, archived_file>& files() const { return files_; }

  /// Files against what the disk holds.
  void check_folder(const simulated_disk& disk);
  /// All files against one another.
  void check_chains();
  /// What is found of an interface against what was sent.
  void check_packets(std::uint32_t interface, const traffic& sent,
                     const std::vector<account>& accounts);

 private:
  [[nodiscard]] std::vector<const archived_file*> in_order() const;

  breaches& breaches_;
  bool must_last_;
  bool was_any_set_aside_ = false;
  bool has_gap_ = false;
  bool may_miss_files_ = false;
  bool has_lost_power_ = false;
  std::map<std::string, archived_file> files_;
};

/// The frames in whole blocks of a file; what is no frame of ours is a breach.
[[nodiscard]] std::vector<found_frame> find_frames(std::span<const std::byte> octets,
                                                   const std::string& name, breaches& found);

}  // namespace captured::simulation
