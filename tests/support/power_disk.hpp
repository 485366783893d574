// SPDX-License-Identifier: MIT
//
// A disk that keeps the log of everything that was asked of it, and tells what may be left of its
// files if the power had failed at any point of that log.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "storage/file_operations.hpp"
#include "storage/open_file.hpp"
#include "storage/system_calls.hpp"

namespace captured::testing {

using octets = std::vector<std::byte>;

/// The system calls, on files in memory. One thread. What a file system may do at a power cut:
/// - octets: forced ones are there; of all others any 512 octets are, or are not (zeros);
/// - length: as it was when it was forced last, or grown to any later one;
/// - names: those before the last sync of the folder are; of later changes a file may have seen any
///   number of its own, whatever others saw. A forced file has one of its names (ext4 and XFS).
class power_disk final : public storage::system_calls {
 public:
  static constexpr int folder = -100;  ///< the descriptor that stands for the folder

  storage::call_result create(int where, const char* name) noexcept override;
  storage::call_result allocate(int, std::uint64_t, bool) noexcept override { return {}; }
  storage::call_result set_direct(int, bool) noexcept override { return {}; }
  storage::call_result write(int fd, std::span<const std::byte> data,
                             std::uint64_t offset) noexcept override;
  storage::call_result cut(int fd, std::uint64_t bytes) noexcept override;
  storage::call_result sync_data(int fd) noexcept override { return sync(fd); }
  storage::call_result sync(int fd) noexcept override;
  storage::call_result rename(int where, const char* from, const char* to) noexcept override;
  storage::call_result remove(int where, const char* name) noexcept override;
  storage::call_result measure(int where, storage::disk_space& space) noexcept override;

  /// Acts so far; a power cut comes before one of them, or after the last.
  [[nodiscard]] std::size_t length() const noexcept { return log_.size(); }
  /// What is left after a power cut before this act, by name.
  [[nodiscard]] std::map<std::string, octets> after_cut(std::size_t at, std::mt19937& random) const;
  /// The octets of each file that were forced to the device before this act.
  [[nodiscard]] std::vector<octets> forced(std::size_t at) const;

 private:
  enum class kind { name, remove, write, cut, sync, sync_folder };
  struct act {
    kind what;
    std::size_t file = 0;
    std::string name = {};
    std::uint64_t offset = 0;  // of a write; length of a cut
    octets data = {};
  };
  [[nodiscard]] std::size_t file_named(const std::string& name) const;
  [[nodiscard]] octets content_after_cut(std::size_t file, std::size_t at,
                                         std::mt19937& random) const;
  [[nodiscard]] std::string name_after_cut(std::size_t file, std::size_t at,
                                           std::mt19937& random) const;
  [[nodiscard]] std::size_t last_sync(std::size_t file, std::size_t at) const;
  static void apply(const act& one, octets& content);

  std::vector<act> log_;
  std::map<std::string, std::size_t> names_;
  std::map<int, std::size_t> open_;
  std::size_t files_ = 0;
};

/// file_operations on a power_disk, each act carried out when it is its turn: writes in any order.
class power_files final : public storage::file_operations {
 public:
  power_files(power_disk& disk, unsigned seed) : disk_(disk), random_(seed) {}

  void submit(storage::file_request request) override { waiting_.push_back(std::move(request)); }
  /// Carries out one act; nothing when there is none.
  std::optional<storage::file_completion> run_one();

 private:
  power_disk& disk_;
  std::mt19937 random_;
  std::vector<storage::file_request> waiting_;
  std::array<storage::open_file, storage::open_files_max> slots_;
};

}  // namespace captured::testing
