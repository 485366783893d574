// SPDX-License-Identifier: MIT
//
// The calls that look at a simulated disk.
#include <algorithm>
#include <cerrno>

#include "base/bytes.hpp"
#include "simulated_disk.hpp"

namespace captured::simulation {

using storage::call_result;
using storage::file_facts;

namespace {

constexpr std::uint64_t page_bytes = 4096;

call_result failed(int error) noexcept {
  return {.value = 0, .error = error};
}

}  // namespace

call_result simulated_disk::measure(int /*folder*/, storage::disk_space& space) noexcept {
  if (const int error = enter_look(); error != 0) {
    return failed(error);
  }
  space = {capacity_bytes_, capacity_bytes_ - std::min(capacity_bytes_, used_bytes())};
  return {};
}

call_result simulated_disk::is_same_file(int fd, int /*folder*/, const char* name) noexcept {
  if (const int error = enter_look(); error != 0) {
    return failed(error);
  }
  const auto found = names_.find(std::string_view(name));
  if (found == names_.end()) {
    return failed(ENOENT);
  }
  return {.value = found->second == at(fd).file ? 1 : 0, .error = 0};
}

call_result simulated_disk::open(int /*folder*/, const char* name,
                                 storage::file_access access) noexcept {
  if (const int error = enter_look(); error != 0) {
    return failed(error);
  }
  const auto found = names_.find(std::string_view(name));
  if (found == names_.end()) {
    return failed(ENOENT);
  }
  descriptor made{found->second, std::nullopt};
  if (access == storage::file_access::read_and_write) {
    made.repaired_from = blocks_that_say_something(files_[found->second].octets);
  }
  descriptors_.push_back(made);
  return {.value = first_descriptor + static_cast<int>(descriptors_.size()) - 1, .error = 0};
}

call_result simulated_disk::read(int fd, std::span<std::byte> room, std::uint64_t offset) noexcept {
  if (const int error = enter_look(); error != 0) {
    return failed(error);
  }
  const auto& octets = files_[at(fd).file].octets;
  const std::size_t begin = std::min<std::size_t>(offset, octets.size());
  const std::size_t count = std::min(room.size(), octets.size() - begin);
  std::copy_n(octets.begin() + static_cast<std::ptrdiff_t>(begin), count, room.begin());
  return {.value = static_cast<std::int64_t>(count), .error = 0};
}

file_facts simulated_disk::facts_of(const file& one) const {
  return {.size_bytes = one.octets.size(),
          .allocated_bytes = std::max<std::uint64_t>(base::align_up(one.octets.size(), page_bytes),
                                                     one.reserved_bytes),
          .changed = one.changed,
          .is_regular = true};
}

call_result simulated_disk::look_at(int /*folder*/, const char* name, file_facts& facts) noexcept {
  if (const int error = enter_look(); error != 0) {
    return failed(error);
  }
  const file* const found = find(name);
  if (found == nullptr) {
    return failed(ENOENT);
  }
  facts = facts_of(*found);
  return {};
}

call_result simulated_disk::look_at(int fd, file_facts& facts) noexcept {
  if (const int error = enter_look(); error != 0) {
    return failed(error);
  }
  facts = facts_of(files_[at(fd).file]);
  return {};
}

call_result simulated_disk::set_changed(int fd, base::wall_time when) noexcept {
  if (const int error = enter_look(); error != 0) {
    return failed(error);
  }
  files_[at(fd).file].changed = when;
  return {};
}

call_result simulated_disk::list(int /*folder*/, std::vector<std::string>& names) noexcept {
  if (const int error = enter_look(); error != 0) {
    return failed(error);
  }
  for (const auto& [name, which] : names_) {
    names.push_back(name);
  }
  return {};
}

}  // namespace captured::simulation
