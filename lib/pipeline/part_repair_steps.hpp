// SPDX-License-Identifier: MIT
//
// What the repairs of all formats have in common; for part_repair, and for left_off where there was
// none.
#pragma once

#include <atomic>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "format/octet_source.hpp"
#include "pipeline/part_repair.hpp"
#include "storage/file_name.hpp"
#include "storage/part_file.hpp"

namespace captured::pipeline {

[[nodiscard]] inline std::string without(std::string name, std::string_view ending) {
  name.resize(name.size() - ending.size());
  return name;
}

/// ".pcapng" of "NAME.pcapng.part".
[[nodiscard]] inline std::string extension_of_part(const std::string& part) {
  const std::string whole = without(part, storage::open_suffix);
  return whole.substr(whole.rfind('.'));
}

/// "NAME" of "NAME.pcapng.part".
[[nodiscard]] inline std::string stem_of(const std::string& part) {
  return without(part, extension_of_part(part) + std::string(storage::open_suffix));
}

/// A part from front to back, until told to stop.
class part_source final : public format::octet_source {
 public:
  part_source(const storage::part_file& from, const std::atomic<bool>& stop)
      : from_(from), stop_(stop) {}

  base::result<std::size_t> read(std::span<std::byte> room) override {
    if (stop_) {
      failure_ = base::system_failure(ECANCELED, "repair " + from_.name());
      return *failure_;
    }
    auto count = from_.read(room, offset_);
    if (count) {
      offset_ += *count;
    } else {
      failure_ = count.error();
    }
    return count;
  }

  [[nodiscard]] const std::optional<base::failure>& failure() const noexcept { return failure_; }
  [[nodiscard]] bool was_stopped() const noexcept {
    return failure_ && failure_->code.value() == ECANCELED;
  }

 private:
  const storage::part_file& from_;
  const std::atomic<bool>& stop_;
  std::uint64_t offset_ = 0;
  std::optional<base::failure> failure_;
};

/// What became of it so far.
[[nodiscard]] repaired_part describe_part(const std::string& part, const storage::part_file& file);

/// Renames it, for it cannot be repaired; with its sidecar, if it has one.
base::result<repaired_part> set_aside(const storage::output_directory& folder,
                                      storage::part_file& file, std::string reason);

/// What becomes of a file that could not be closed.
base::result<repaired_part> leave_unclosed(const storage::output_directory& folder,
                                           storage::part_file& file, const base::failure& why);

/// As repair_part, for a file of records: pcap, or lpcap with its sidecar.
base::result<repaired_part> repair_records(const storage::output_directory& folder,
                                           const std::string& name, const std::atomic<bool>& stop);

/// The sidecar of a part has the name that goes with it, or already that of the finished file, when
/// an earlier attempt or the recorder ended between two names. Nothing when there is none; fails
/// when the disk does not tell.
[[nodiscard]] base::result<std::optional<std::string>> find_sidecar(
    const storage::output_directory& folder, const std::string& part);

}  // namespace captured::pipeline
