// SPDX-License-Identifier: MIT
//
// The folder of an output: opened once, everything in it is named relative to that, so that a
// folder that is renamed or mounted over meanwhile is still the one that was checked. Looks and
// removes; making and writing files is file_writer's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "base/unique_fd.hpp"
#include "storage/disk_space.hpp"
#include "storage/file_name.hpp"
#include "storage/file_rights.hpp"
#include "storage/retention.hpp"
#include "storage/system_calls.hpp"

namespace captured::storage {

/// A regular file of the folder.
struct directory_file {
  std::string name;
  std::uint64_t size_bytes = 0;
  std::uint64_t allocated_bytes = 0;  ///< what it takes of the disk
  base::wall_time changed{};          ///< last change of its octets
  bool is_known = true;               ///< false: the disk told nothing but its name
};

/// The file that an output wrote last, in this life or an earlier one.
struct previous_file {
  std::uint64_t sequence = 0;
  std::string name;

  friend bool operator==(const previous_file&, const previous_file&) = default;
};

/// What a file says about itself at its beginning.
struct file_origin {
  std::string output;
  std::uint64_t sequence = 0;
};

/// Reads a file's origin from its first octets (at most origin_bytes_max) and, where the format
/// cannot tell it, from its name; or nothing when it is not one of ours. The pipeline gives a
/// function of the format module.
using origin_reader =
    std::function<std::optional<file_origin>(const std::string& name, std::span<const std::byte>)>;

/// Octets of a file that are read for its origin: far more than section header and interfaces take.
inline constexpr std::size_t origin_bytes_max = 64 << 10;
/// Files that are read for their origin, newest first: enough to find the last one even when
/// others were touched since, few enough that a start with 100,000 files takes no time.
inline constexpr std::size_t origins_max = 64;

/// What tells the finished files of one output from everybody else's.
struct own_files {
  file_name names;
  std::string output;
  origin_reader read_origin;
  bool names_tell_output = false;  ///< the template holds {output}: a name that fits is ours
  /// Do these octets begin a file as the output writes them?
  std::function<bool(std::span<const std::byte>)> is_beginning = {};
  bool with_sidecars = false;  ///< each file has one, see paired_file.hpp
};

/// What became of the files that an earlier life made ready.
struct prepared_outcome {
  std::size_t removed = 0;
  std::vector<base::failure> troubles;  ///< of files that stay as they are
  /// The last of those that hold something, by the name that it would have got: the series goes on
  /// behind it.
  std::optional<previous_file> left;
};

/// A file that this output left open in an earlier life.
struct open_part {
  std::string name;
  bool says_it_is_ours = false;  ///< else its name alone does, and its beginning says nothing
  std::optional<base::failure> trouble = {};  ///< or its beginning could not be read
};

/// A file of this name beside a file keeps retention from removing it.
inline constexpr std::string_view pin_suffix = ".pin";
/// Files whose names tell no output that are read for their origin when the kept ones are looked
/// for; of more of them the template's form of the name must do.
inline constexpr std::size_t unnamed_files_max = 4096;

/// A file that was made ready, and which: another one may get its name later.
struct prepared_file {
  std::string name;
  std::uint64_t inode = 0;
};

/// What is there when an output is opened.
struct kept_listing {
  std::vector<kept_file> files;
  /// Finished files of which the disk tells neither size nor age: nobody may remove them for
  /// either.
  std::vector<std::string> unknown;
};

/// Functions block as the disk does; several threads may call them at once.
class output_directory {
 public:
  /// Opens the folder, making it and missing folders above it, with `rights`. With `require_mount`
  /// it must not lie on the root file system, which is checked before anything is made; what counts
  /// is the file system (a bind mount of a part of the root does not help) and the mount (a btrfs
  /// subvolume that is merely a folder of the root does not either).
  /// What is done in the folder goes through `calls`; without, they are plain ones with `rights`.
  [[nodiscard]] static base::result<output_directory> open(
      const std::string& path, bool require_mount, const file_rights& rights = {},
      std::shared_ptr<system_calls> calls = nullptr);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// A descriptor of the folder for another owner, such as file_writer.
  [[nodiscard]] base::result<base::unique_fd> duplicate() const;
  [[nodiscard]] system_calls& calls() const noexcept { return *calls_; }

  /// Does its path still lead to this very folder, on this very mount? Fails when it leads to
  /// another one or nowhere; what keeps us from looking is no answer, and taken for a yes.
  [[nodiscard]] base::result<void> check_path() const;
  /// Makes a hidden file of the output, writes a little, forces it to the device, removes it: what
  /// fails there would fail for a recording too.
  [[nodiscard]] base::result<void> test_writing(std::string_view output) const;

  /// Regular files whose names hold the extension and do not begin with '.', in no order. A file
  /// that vanishes meanwhile is left out.
  [[nodiscard]] base::result<std::vector<directory_file>> files(
      std::string_view extension = final_suffix) const;

  /// The file with the highest sequence of this output: from the names that the template could
  /// have made, and from what the newest files say, whose word counts more than their name. Files
  /// that cannot be read are judged by name.
  [[nodiscard]] base::result<std::optional<previous_file>> find_previous(
      const file_name& names, std::string_view output, const origin_reader& read_origin) const;

  /// The finished files of this output, and those that were set aside, in no order. A name that
  /// tells the output is believed, for reading 100,000 files takes minutes; `check_removable` looks
  /// again.
  [[nodiscard]] base::result<kept_listing> find_kept(const own_files& own) const;

  /// May this file be removed to make room? It must be finished or set aside, say of itself that it
  /// is this output's (one that was set aside: at least by its name), and have no pin beside it.
  /// Success, pinned_error, not_ours_error, or what reading it gave.
  [[nodiscard]] base::error_code check_removable(const std::string& name,
                                                 const own_files& own) const;

  /// The files that this output left open, oldest first. Those of others are left out, and those
  /// that neither say nor are named whose they are.
  [[nodiscard]] base::result<std::vector<open_part>> find_parts(const own_files& own) const;

  /// The regular file of this name, or nothing when there is none.
  [[nodiscard]] std::optional<directory_file> look_at(const std::string& name) const;
  /// Is there anything of this name? Fails when the disk does not tell.
  [[nodiscard]] base::result<bool> exists(const std::string& name) const;

  /// Removes what an earlier life of this output made ready and did not come to use (see
  /// prepared_name). One that holds something all the same becomes an open part, for repair, unless
  /// it has another name already. To be called before the output makes files. Fails when the folder
  /// cannot be read.
  [[nodiscard]] base::result<prepared_outcome> remove_prepared(const own_files& own) const;
  /// What lies there made ready, perhaps by this very life, which lost the folder meanwhile.
  [[nodiscard]] base::result<std::vector<prepared_file>> find_prepared(
      std::string_view output) const;
  /// Removes those of them that are there yet and hold nothing, and returns how many.
  std::size_t remove_unused(const std::vector<prepared_file>& prepared) const;

  /// Removes a file of the folder; one that is gone already is no error.
  base::result<void> remove(const std::string& name) const;

  [[nodiscard]] base::result<disk_space> space() const;

 private:
  output_directory(std::string path, base::unique_fd fd, std::shared_ptr<system_calls> calls)
      : path_(std::move(path)), fd_(std::move(fd)), calls_(std::move(calls)) {}

  [[nodiscard]] base::result<std::vector<std::string>> names() const;
  /// Success, or errno; asks a disk that fails more than once.
  [[nodiscard]] int look(const std::string& name, file_facts& facts) const;
  [[nodiscard]] base::result<bool> was_used(const directory_file& prepared,
                                            const own_files& own) const;
  /// `all` are the names in the folder.
  [[nodiscard]] base::result<void> keep_prepared(const std::string& name, const own_files& own,
                                                 const std::vector<std::string>& all) const;
  void settle_prepared(const directory_file& prepared, const own_files& own,
                       const std::vector<std::string>& all, prepared_outcome& outcome) const;
  /// Nothing when it says nothing; a failure when it cannot be read.
  [[nodiscard]] base::result<std::optional<file_origin>> origin_of(const std::string& name,
                                                                   const own_files& own) const;

  [[nodiscard]] base::result<std::vector<std::byte>> read_beginning(const std::string& name) const;

  std::string path_;
  base::unique_fd fd_;
  std::shared_ptr<system_calls> calls_;  // also owned by whoever gave it, to see what it did
};

}  // namespace captured::storage
