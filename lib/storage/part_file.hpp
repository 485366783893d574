// SPDX-License-Identifier: MIT
//
// A file that an earlier life of an output left open: read, cut, closed and renamed where it lies.
// What is cut and what is put behind it is decided elsewhere. Blocks as the disk does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/error.hpp"
#include "base/time.hpp"
#include "base/unique_fd.hpp"
#include "storage/system_calls.hpp"

namespace captured::storage {

/// One thread at a time. `calls` and the descriptor `folder` must outlive it.
class part_file {
 public:
  /// Opens a regular file; no symbolic link. With file_access::read nothing but reading works.
  static base::result<part_file> open(system_calls& calls, int folder, const std::string& name,
                                      file_access access = file_access::read_and_write);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// When its octets were last changed; `close_at` keeps that.
  [[nodiscard]] base::wall_time changed() const noexcept { return changed_; }

  /// Is this other name one of the same file?
  [[nodiscard]] base::result<bool> has_also(const std::string& other_name) const;
  /// Takes its name away; the file must have another one.
  base::result<> drop_name();

  /// Up to as many octets as there is room for; 0 at the end.
  base::result<std::size_t> read(std::span<std::byte> room, std::uint64_t offset) const;
  /// Octets before the zeros at the end, which were reserved and never written; at least `from`.
  [[nodiscard]] base::result<std::uint64_t> used_bytes(std::uint64_t from) const;

  /// Puts `closing` at `length`, ends the file behind it, and forces it to the device. Until then
  /// nothing before `length` changes: whatever interrupts it, it can be done again.
  base::result<> close_at(std::uint64_t length, std::span<const std::byte> closing);
  /// That failed since the device did not take the octets: a further attempt would prove nothing.
  [[nodiscard]] bool is_refused() const noexcept { return is_refused_; }
  /// Gives back what was reserved of the disk behind its end, as far as that can be done.
  void give_back_reserved() noexcept;
  /// Renames it to stem + ending, or stem + "+1" + ending and so on where that exists; never over a
  /// file. Forces the folder to the device.
  base::result<> rename_to(const std::string& stem, const std::string& ending);

 private:
  part_file(system_calls& calls, int folder, std::string name, base::unique_fd fd)
      : calls_(&calls), folder_(folder), name_(std::move(name)), fd_(std::move(fd)) {}
  [[nodiscard]] base::failure failed(int error, const char* act) const;

  system_calls* calls_;
  int folder_;
  bool is_refused_ = false;
  std::string name_;
  base::unique_fd fd_;
  std::uint64_t size_ = 0;
  base::wall_time changed_{};
};

/// Renames without replacing, also where the file system has no such call. `fd` is the file. Gives
/// an errno value or 0; EEXIST when the name is taken.
[[nodiscard]] int rename_apart(system_calls& calls, int folder, int fd, const std::string& from,
                               const std::string& to);

}  // namespace captured::storage
