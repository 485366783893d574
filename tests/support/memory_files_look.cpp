// SPDX-License-Identifier: MIT
//
// The part of memory_files that looks at what is there.
#include <algorithm>

#include "support/memory_files.hpp"

namespace captured::testing {

memory_files::file* memory_files::find(std::string_view name) {
  const auto found = files_.find(name);
  return found == files_.end() ? nullptr : &found->second;
}

const memory_files::file* memory_files::find(std::string_view name) const {
  const auto found = files_.find(name);
  return found == files_.end() ? nullptr : &found->second;
}

std::uint64_t memory_files::covered_from_start(const file& which) {
  const auto first = which.covered.begin();
  return first == which.covered.end() || first->first != 0 ? 0 : first->second;
}

std::optional<std::span<const std::byte>> memory_files::contents(std::string_view name) const {
  const file* const which = find(name);
  return which == nullptr ? std::nullopt : std::optional(std::span<const std::byte>(which->octets));
}

void memory_files::put_aside(file& into, const storage::file_request& request) {
  const auto end = static_cast<std::size_t>(request.aside_offset) + request.aside.size();
  if (!request.aside.empty()) {
    into.aside.resize(std::max(into.aside.size(), end));
    std::ranges::copy(request.aside,
                      into.aside.end() - static_cast<std::ptrdiff_t>(into.aside.size() - end +
                                                                     request.aside.size()));
  }
}

std::vector<std::byte> memory_files::sidecar(std::string_view name) const {
  const file* const found = find(name);
  return found == nullptr ? std::vector<std::byte>() : found->aside;
}

std::optional<std::span<const std::byte>> memory_files::published(std::string_view name) const {
  const file* const which = find(name);
  if (which == nullptr) {
    return std::nullopt;
  }
  const auto count = std::min<std::uint64_t>(covered_from_start(*which), which->octets.size());
  return std::span<const std::byte>(which->octets).first(count);
}

std::vector<std::string> memory_files::names() const {
  std::vector<std::string> all;
  for (const auto& [name, unused] : files_) {
    all.push_back(name);
  }
  return all;
}

bool memory_files::is_finished(std::string_view name) const {
  const file* const which = find(name);
  return which != nullptr && which->finished;
}

std::uint64_t memory_files::used_bytes() const {
  std::uint64_t sum = held_bytes_;
  for (const auto& [unused, each] : files_) {
    sum += std::max<std::uint64_t>(each.octets.size(), each.reserved_bytes);
  }
  return sum;
}

std::uint64_t memory_files::forced_bytes(std::string_view name) const {
  const file* const which = find(name);
  return which == nullptr ? 0 : which->forced_bytes;
}

std::uint64_t memory_files::count(storage::file_action action) const {
  const auto found = counts_.find(action);
  return found == counts_.end() ? 0 : found->second;
}

}  // namespace captured::testing
