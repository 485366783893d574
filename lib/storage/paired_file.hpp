// SPDX-License-Identifier: MIT
//
// An open file that may have a sidecar: a second file, of the same name with an ending, which says
// what the format of the first cannot. The acts of file_operations on both, in an order that never
// shows a finished file without its sidecar. Blocks as long as the disk does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/error.hpp"
#include "storage/open_file.hpp"
#include "storage/system_calls.hpp"

namespace captured::storage {

/// Behind the name of a file: that of its sidecar.
inline constexpr std::string_view sidecar_suffix = ".meta";
[[nodiscard]] inline std::string sidecar_of(const std::string& name) {
  return name + std::string(sidecar_suffix);
}

/// As open_file, whose contracts hold. Without a sidecar it is nothing else.
class paired_file {
 public:
  base::error_code create(system_calls& calls, int folder, const std::string& name,
                          std::uint64_t bytes_expected, bool with_sidecar);
  void write_directly(system_calls& calls) noexcept { main_.write_directly(calls); }
  base::error_code publish(system_calls& calls, int folder, const std::string& name);

  /// Octets of the sidecar, written before those that need them.
  struct aside {
    std::span<const std::byte> octets;
    std::uint64_t offset = 0;
  };
  open_file::written write(system_calls& calls, std::span<const std::byte> octets,
                           std::uint64_t offset, aside first);
  base::error_code grow(system_calls& calls, std::uint64_t bytes) {
    return open_file::grow(calls, fd(), bytes);
  }
  base::error_code sync(system_calls& calls);
  base::error_code finish(system_calls& calls, int folder, const std::string& name,
                          open_file::ending end);
  base::error_code discard(system_calls& calls, int folder);
  void leave() noexcept;

  [[nodiscard]] bool is_unproven() const noexcept { return main_.is_unproven(); }
  void set_unproven() noexcept { main_.set_unproven(); }
  [[nodiscard]] int fd() const noexcept { return main_.fd(); }

 private:
  open_file main_;
  open_file sidecar_;
  bool is_sidecar_forced_ = false;
};

}  // namespace captured::storage
