// SPDX-License-Identifier: MIT
//
// A disk with one folder in memory, behind the seam of the system calls. It knows what has been
// forced to the device and what has not, so that a loss of power can take the rest; it fails as it
// is told to, and it watches what is done to files: octets that were once written never change, and
// a file under its final name is left alone. No time, no thread; all chance comes from its source.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "breaches.hpp"
#include "extents.hpp"
#include "random_source.hpp"
#include "storage/system_calls.hpp"

namespace captured::simulation {

/// How often calls go wrong, of a thousand.
struct disk_mood {
  std::uint32_t short_write = 0;
  std::uint32_t failed_write = 0;  ///< EIO
  std::uint32_t failed_sync = 0;   ///< EIO; what was to be forced is lost for good
  std::uint32_t failed_name = 0;   ///< EIO of create, rename, link, remove, cut
  std::uint32_t failed_look = 0;   ///< EIO of list, open, read, stat
  std::uint32_t interrupted = 0;   ///< EINTR of anything
};

/// What sort of file system it is, for its whole life.
struct disk_traits {
  bool has_exclusive_rename = true;  ///< else as NFS, where a link must do
  bool preallocates = true;          ///< else as tmpfs
  bool sync_keeps_names = true;      ///< fsync of a file makes its name last too, as journals do
};

struct disk_events {
  /// A file got a name that does not end in ".part". `forced`: nothing of it can be lost any more.
  std::function<void(const std::string& name, std::span<const std::byte> octets, bool forced)>
      named;
  std::function<void(const std::string& name)> removed;
};

/// How a process ends: one for all its disks.
struct process_end {
  std::uint64_t calls_left = 0;  ///< changing calls before it ends; 0 for never
  bool has_come = false;
};

class simulated_disk final : public storage::system_calls {
 public:
  /// `label` stands before the names of its files where those of several disks are told apart.
  simulated_disk(std::string label, random_source chance, disk_traits traits, process_end& end,
                 breaches& found, disk_events events);
  [[nodiscard]] const std::string& label() const noexcept { return label_; }

  // --- Faults ---
  void set_mood(const disk_mood& mood) noexcept { mood_ = mood; }
  void set_capacity(std::uint64_t bytes) noexcept { capacity_bytes_ = bytes; }
  /// The process ends in the n-th changing call from now on (1 is the next), which may take
  /// effect, in part or not. From then on nothing has any effect.
  void end_process_after(std::uint64_t calls) noexcept { end_.calls_left = calls; }
  [[nodiscard]] bool is_process_ended() const noexcept { return end_.has_come; }
  void end_process() noexcept { end_.has_come = true; }
  /// The octets of a write that was under way when the process ended still arrive, or some do.
  void finish_write(int fd, std::span<const std::byte> octets, std::uint64_t offset);
  /// What was not forced is lost, or some of it.
  void lose_power();
  /// Another process begins.
  void begin_process(base::wall_time now);
  void set_time(base::wall_time now) noexcept { now_ = now; }

  // --- Where the path leads ---
  void unmount() noexcept { is_mounted_ = false; }
  /// As another mount than any before; who has opened a folder by one of those may still use it.
  void mount() noexcept {
    is_mounted_ = true;
    ++mounts_;
  }
  [[nodiscard]] bool is_mounted() const noexcept { return is_mounted_; }
  [[nodiscard]] std::uint64_t mounts() const noexcept { return mounts_; }

  // --- The folder, as others change and see it ---
  void put(const std::string& name, std::span<const std::byte> octets);
  void drop(const std::string& name);
  [[nodiscard]] std::vector<std::string> names() const;
  /// Those that a loss of power would leave at least.
  [[nodiscard]] std::vector<std::string> lasting_names() const;
  [[nodiscard]] std::span<const std::byte> octets(const std::string& name) const;
  /// Octets from the start that no write has left out.
  [[nodiscard]] std::span<const std::byte> published(const std::string& name) const;
  /// What a loss of power would leave of it at least.
  [[nodiscard]] std::span<const std::byte> lasting(const std::string& name) const;
  [[nodiscard]] std::uint64_t used_bytes() const;
  /// Times that a write found no room.
  [[nodiscard]] std::uint64_t times_full() const noexcept { return times_full_; }

  // --- system_calls ---
  storage::call_result create(int folder, const char* name) noexcept override;
  storage::call_result allocate(int fd, std::uint64_t bytes, bool keep_size) noexcept override;
  storage::call_result write(int fd, std::span<const std::byte> octets,
                             std::uint64_t offset) noexcept override;
  storage::call_result cut(int fd, std::uint64_t bytes) noexcept override;
  storage::call_result sync_data(int fd) noexcept override;
  storage::call_result sync(int fd) noexcept override;
  storage::call_result rename(int folder, const char* from, const char* to) noexcept override;
  storage::call_result link(int folder, const char* from, const char* to) noexcept override;
  storage::call_result remove(int folder, const char* name) noexcept override;
  storage::call_result measure(int folder, storage::disk_space& space) noexcept override;
  storage::call_result is_same_file(int fd, int folder, const char* name) noexcept override;
  storage::call_result open(int folder, const char* name,
                            storage::file_access access) noexcept override;
  storage::call_result read(int fd, std::span<std::byte> room,
                            std::uint64_t offset) noexcept override;
  storage::call_result look_at(int folder, const char* name,
                               storage::file_facts& facts) noexcept override;
  storage::call_result look_at(int fd, storage::file_facts& facts) noexcept override;
  storage::call_result set_changed(int fd, base::wall_time when) noexcept override;
  storage::call_result list(int folder, std::vector<std::string>& names) noexcept override;

 private:
  struct file {
    std::vector<std::byte> octets;
    std::vector<std::byte> lasting;  ///< what a loss of power leaves
    extents written;                 ///< by anybody; these octets never change
    extents unforced;                ///< written and not forced
    extents refused;                 ///< the device has refused them: no later sync forces them
    std::uint64_t reserved_bytes = 0;
    base::wall_time changed{};
    std::uint32_t names = 0;
    bool has_final_name = false;
  };
  struct descriptor {
    std::size_t file = 0;
    std::optional<std::uint64_t> repaired_from;  ///< a repair may change what lies behind this
  };
  enum class name_act : std::uint8_t { add, drop };
  struct name_change {
    name_act act;
    std::string name;
    std::size_t file;
    bool with_next = false;  ///< one with the change behind it: a rename is never half done
  };
  using folder = std::map<std::string, std::size_t, std::less<>>;

  /// 0, or the error that the call fails with.
  int enter_change(std::uint32_t per_mille_eio);
  int enter_look();
  [[nodiscard]] descriptor& at(int fd);
  [[nodiscard]] const file* find(std::string_view name) const;
  void change_name(name_act act, const std::string& name, std::size_t which);
  void apply(folder& names, const name_change& change) const;
  void store(file& into, std::span<const std::byte> octets, std::uint64_t offset);
  void check_unchanged(const descriptor& by, std::span<const std::byte> octets,
                       std::uint64_t offset);
  void check_cut(const descriptor& by, std::uint64_t bytes);
  [[nodiscard]] std::uint64_t room_for(const file& one, std::uint64_t end) const;
  void lose_power(file& one, std::uint32_t kept_per_mille);
  void tell_named(const std::string& name, const file& one);
  [[nodiscard]] storage::file_facts facts_of(const file& one) const;
  [[nodiscard]] std::string name_of(std::size_t which) const;
  [[nodiscard]] bool is_named_anywhere(std::size_t which) const;

  std::string label_;
  random_source chance_;
  disk_traits traits_;
  process_end& end_;
  bool is_mounted_ = true;
  std::uint64_t mounts_ = 1;
  breaches& breaches_;
  disk_events events_;
  disk_mood mood_;
  std::uint64_t capacity_bytes_ = std::uint64_t{1} << 40;
  base::wall_time now_{};
  std::vector<file> files_;
  std::vector<descriptor> descriptors_;
  folder names_;
  folder lasting_names_;
  std::vector<name_change> unforced_names_;
  std::uint64_t times_full_ = 0;
};

/// The largest descriptor that a process of Linux can have lies far below this, so that closing one
/// of ours closes nothing.
inline constexpr int first_descriptor = 1 << 30;

/// The octets of whole blocks from the start of a file of ours.
[[nodiscard]] std::uint64_t whole_blocks(std::span<const std::byte> octets);
/// The same, without the fillers at the end.
[[nodiscard]] std::uint64_t blocks_that_say_something(std::span<const std::byte> octets);

}  // namespace captured::simulation
