// SPDX-License-Identifier: MIT
//
// What happens to a simulated disk from outside, and what others see of it.
#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "simulated_disk.hpp"

namespace captured::simulation {

namespace {

constexpr std::uint64_t page_bytes = 4096;

}  // namespace

void simulated_disk::finish_write(int fd, std::span<const std::byte> octets, std::uint64_t offset) {
  descriptor& by = at(fd);
  check_unchanged(by, octets, offset);
  file& one = files_[by.file];
  const std::uint64_t end = room_for(one, offset + octets.size());
  if (end > offset) {
    store(one, octets.first(end - offset), offset);
  }
}

/// Pages reach a device in no order. Octets that never did read as zeros, as space that was
/// reserved does; the end of the file is where any moment since the last sync had it.
void simulated_disk::lose_power(file& one, std::uint32_t kept_per_mille) {
  std::vector<std::byte> left = one.lasting;
  if (one.octets.size() < left.size() && chance_.chance(kept_per_mille)) {
    left.resize(one.octets.size());  // the cut has got there
  } else if (one.octets.size() > left.size() && chance_.chance(kept_per_mille)) {
    left.resize(left.size() + chance_.below(one.octets.size() - left.size() + 1));
  }
  for (const extent& each : one.unforced.all()) {
    for (std::uint64_t begin = each.begin; begin < each.end;) {
      const std::uint64_t end = std::min(each.end, (begin / page_bytes + 1) * page_bytes);
      if (chance_.chance(kept_per_mille)) {
        left.resize(std::max<std::size_t>(left.size(), end));
        std::copy_n(one.octets.begin() + static_cast<std::ptrdiff_t>(begin), end - begin,
                    left.begin() + static_cast<std::ptrdiff_t>(begin));
      }
      begin = end;
    }
  }
  one.octets = std::move(left);
  one.lasting = one.octets;
  one.unforced.clear();
  one.refused.clear();
  one.reserved_bytes = 0;
}

void simulated_disk::lose_power() {
  std::uint64_t kept_changes = chance_.below(unforced_names_.size() + 1);
  if (kept_changes > 0 && unforced_names_[kept_changes - 1].with_next) {
    ++kept_changes;
  }
  for (std::uint64_t i = 0; i < kept_changes; ++i) {
    apply(lasting_names_, unforced_names_[i]);
  }
  unforced_names_.clear();
  names_ = lasting_names_;
  for (file& one : files_) {
    one.names = 0;
    one.has_final_name = false;
  }
  static constexpr std::uint32_t shares[] = {0, 300, 700, 970, 1000};
  const std::uint32_t kept_per_mille = chance_.pick(shares);
  for (const auto& [name, which] : names_) {
    file& one = files_[which];
    if (one.names++ == 0) {
      lose_power(one, kept_per_mille);
    }
    one.has_final_name |= name.ends_with(".pcapng") && !name.starts_with('.');
  }
}

/// A loss of power could bring it back.
bool simulated_disk::is_named_anywhere(std::size_t which) const {
  return std::ranges::any_of(lasting_names_,
                             [&](const auto& each) { return each.second == which; }) ||
         std::ranges::any_of(unforced_names_, [&](const auto& each) { return each.file == which; });
}

void simulated_disk::begin_process(base::wall_time now) {
  end_ = {};
  now_ = now;
  descriptors_.clear();
  for (std::size_t which = 0; which < files_.size(); ++which) {
    file& one = files_[which];
    if (one.names == 0 && !is_named_anywhere(which)) {
      one = {};
      continue;
    }
    // What is in the page cache stays there. That the device has refused some of it was told to
    // the process before, once; a later one cannot know.
    one.written.clear();
    one.written.add({0, one.octets.size()});
    one.unforced.add(one.refused);
    one.refused.clear();
  }
}

void simulated_disk::put(const std::string& name, std::span<const std::byte> octets) {
  files_.emplace_back();
  file& one = files_.back();
  one.octets.assign(octets.begin(), octets.end());
  one.lasting = one.octets;
  one.written.add({0, octets.size()});
  one.changed = now_;
  one.names = 1;
  one.has_final_name = true;
  names_[name] = files_.size() - 1;
  lasting_names_[name] = files_.size() - 1;
}

void simulated_disk::drop(const std::string& name) {
  if (const auto found = names_.find(name); found != names_.end()) {
    --files_[found->second].names;
    names_.erase(found);
    lasting_names_.erase(name);
  }
}

std::vector<std::string> simulated_disk::names() const {
  std::vector<std::string> all;
  for (const auto& [name, which] : names_) {
    all.push_back(name);
  }
  return all;
}

std::vector<std::string> simulated_disk::lasting_names() const {
  std::vector<std::string> all;
  for (const auto& [name, which] : lasting_names_) {
    all.push_back(name);
  }
  return all;
}

std::span<const std::byte> simulated_disk::octets(const std::string& name) const {
  const file* const found = find(name);
  return found == nullptr ? std::span<const std::byte>() : found->octets;
}

std::span<const std::byte> simulated_disk::published(const std::string& name) const {
  const file* const found = find(name);
  return found == nullptr ? std::span<const std::byte>()
                          : std::span(found->octets).first(found->written.from_start());
}

std::span<const std::byte> simulated_disk::lasting(const std::string& name) const {
  const auto found = lasting_names_.find(name);
  return found == lasting_names_.end() ? std::span<const std::byte>()
                                       : files_[found->second].lasting;
}

std::uint64_t simulated_disk::used_bytes() const {
  std::uint64_t sum = 0;
  for (const file& one : files_) {
    sum += one.names == 0 ? 0
                          : std::max<std::uint64_t>(base::align_up(one.octets.size(), page_bytes),
                                                    one.reserved_bytes);
  }
  return sum;
}

}  // namespace captured::simulation
