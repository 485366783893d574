// SPDX-License-Identifier: MIT
//
// The calls that change the disk. Those that look at it are in simulated_disk_looks.cpp; what
// others do to it, and what a loss of power leaves, in simulated_disk_faults.cpp.
#include "simulated_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "storage/file_name.hpp"

namespace captured::simulation {

using storage::call_result;

namespace {

constexpr std::uint64_t page_bytes = 4096;

call_result failed(int error) noexcept {
  return {.value = 0, .error = error};
}

bool is_final(std::string_view name) {
  return name.ends_with(storage::final_suffix) && !name.starts_with('.');
}

}  // namespace

std::uint64_t whole_blocks(std::span<const std::byte> octets) {
  constexpr std::size_t smallest = 12;
  std::size_t at = 0;
  while (octets.size() - at >= smallest) {
    const auto length = base::load_native<std::uint32_t>(octets.data() + at + 4);
    if (length < smallest || length % 4 != 0 || length > octets.size() - at ||
        base::load_native<std::uint32_t>(octets.data() + at + length - 4) != length) {
      break;
    }
    at += length;
  }
  return at;
}

namespace {

constexpr std::uint32_t not_to_be_copied = 0x40000bad;
constexpr std::uint32_t end_kind = 2;

}  // namespace

std::uint64_t blocks_that_say_something(std::span<const std::byte> octets) {
  const std::uint64_t whole = whole_blocks(octets);
  std::uint64_t end = 0;
  for (std::uint64_t at = 0; at < whole;) {
    const auto block = octets.subspan(at);
    const auto length = base::load_native<std::uint32_t>(block.data() + 4);
    at += length;
    const bool is_ours = base::load_native<std::uint32_t>(block.data()) == not_to_be_copied;
    if (is_ours && length >= 20 &&
        base::load_native<std::uint32_t>(block.data() + 12) == end_kind) {
      // A repair that could not cut leaves what lay behind a gap, and where its end note fills that
      // gap to the octet these follow as whole blocks. They were counted as lost.
      return at;
    }
    end = is_ours ? end : at;
  }
  return end;
}

simulated_disk::simulated_disk(std::string label, random_source chance, disk_traits traits,
                               process_end& end, breaches& found, disk_events events)
    : label_(std::move(label)),
      chance_(chance),
      traits_(traits),
      end_(end),
      breaches_(found),
      events_(std::move(events)) {}

int simulated_disk::enter_change(std::uint32_t per_mille_eio) {
  if (end_.has_come) {
    return EIO;
  }
  if (end_.calls_left > 0 && --end_.calls_left == 0) {
    end_.has_come = true;
    const bool takes_effect = chance_.chance(500);
    return takes_effect ? 0 : EIO;
  }
  if (chance_.chance(mood_.interrupted)) {
    return EINTR;
  }
  return chance_.chance(per_mille_eio) ? EIO : 0;
}

int simulated_disk::enter_look() {
  if (end_.has_come) {
    return EIO;
  }
  if (chance_.chance(mood_.interrupted)) {
    return EINTR;
  }
  return chance_.chance(mood_.failed_look) ? EIO : 0;
}

simulated_disk::descriptor& simulated_disk::at(int fd) {
  CAPTURED_CHECK(fd >= first_descriptor &&
                 static_cast<std::size_t>(fd - first_descriptor) < descriptors_.size());
  return descriptors_[static_cast<std::size_t>(fd - first_descriptor)];
}

const simulated_disk::file* simulated_disk::find(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &files_[found->second];
}

std::string simulated_disk::name_of(std::size_t which) const {
  for (const auto& [name, named] : names_) {
    if (named == which) {
      return name;
    }
  }
  return "a file without a name";
}

void simulated_disk::apply(folder& names, const name_change& change) const {
  if (change.act == name_act::add) {
    names[change.name] = change.file;
  } else {
    names.erase(change.name);
  }
}

void simulated_disk::change_name(name_act act, const std::string& name, std::size_t which) {
  unforced_names_.push_back({act, name, which});
  apply(names_, unforced_names_.back());
  file& one = files_[which];
  if (act == name_act::drop) {
    --one.names;
    return;
  }
  ++one.names;
  one.has_final_name |= is_final(name);
  tell_named(name, one);
}

void simulated_disk::tell_named(const std::string& name, const file& one) {
  if (events_.named && !name.ends_with(".part") && !name.starts_with('.')) {
    events_.named(name, one.octets, one.refused.empty() && one.lasting == one.octets);
  }
}

call_result simulated_disk::create(int /*folder*/, const char* name) noexcept {
  if (const int error = enter_change(mood_.failed_name); error != 0) {
    return failed(error);
  }
  if (find(name) != nullptr) {
    return failed(EEXIST);
  }
  files_.emplace_back();
  files_.back().changed = now_;
  change_name(name_act::add, name, files_.size() - 1);
  descriptors_.push_back({files_.size() - 1, std::nullopt});
  return {.value = first_descriptor + static_cast<int>(descriptors_.size()) - 1, .error = 0};
}

std::uint64_t simulated_disk::room_for(const file& one, std::uint64_t end) const {
  const std::uint64_t own =
      std::max<std::uint64_t>(base::align_up(one.octets.size(), page_bytes), one.reserved_bytes);
  const std::uint64_t others = used_bytes() - (one.names > 0 ? own : 0);
  const std::uint64_t free = capacity_bytes_ - std::min(capacity_bytes_, others);
  return std::min(end, std::max<std::uint64_t>(free / page_bytes * page_bytes, own));
}

call_result simulated_disk::allocate(int fd, std::uint64_t bytes, bool keep_size) noexcept {
  CAPTURED_CHECK(keep_size);  // files are made longer ahead of their contents by io_uring's alone
  if (!traits_.preallocates) {
    return failed(EOPNOTSUPP);
  }
  if (const int error = enter_change(mood_.failed_name); error != 0) {
    return failed(error);
  }
  file& one = files_[at(fd).file];
  const std::uint64_t wanted = base::align_up(bytes, page_bytes);
  one.reserved_bytes = room_for(one, wanted);
  return failed(one.reserved_bytes < wanted ? ENOSPC : 0);
}

void simulated_disk::check_unchanged(const descriptor& by, std::span<const std::byte> octets,
                                     std::uint64_t offset) {
  const file& one = files_[by.file];
  if (one.has_final_name) {
    breaches_.add("a file is written to that has its final name: " + name_of(by.file));
  }
  const std::uint64_t end = offset + octets.size();
  for (const extent& known : one.written.all()) {
    const std::uint64_t from = std::max(known.begin, offset);
    const std::uint64_t until = std::min({known.end, end, by.repaired_from.value_or(known.end)});
    if (from < until &&
        std::memcmp(one.octets.data() + from, octets.data() + (from - offset), until - from) != 0) {
      breaches_.add("octets that were written change, in " + name_of(by.file) + " from " +
                    std::to_string(from) + " on");
    }
  }
}

void simulated_disk::store(file& into, std::span<const std::byte> octets, std::uint64_t offset) {
  const std::uint64_t end = offset + octets.size();
  if (into.octets.size() < end) {
    into.octets.resize(end);
  }
  std::ranges::copy(octets, into.octets.begin() + static_cast<std::ptrdiff_t>(offset));
  into.written.add({offset, end});
  into.unforced.add({offset, end});
  into.changed = now_;
}

call_result simulated_disk::write(int fd, std::span<const std::byte> octets,
                                  std::uint64_t offset) noexcept {
  if (const int error = enter_change(mood_.failed_write); error != 0) {
    return failed(error);
  }
  descriptor& by = at(fd);
  file& one = files_[by.file];
  check_unchanged(by, octets, offset);
  const std::uint64_t end = room_for(one, offset + octets.size());
  if (end <= offset) {
    ++times_full_;
    return failed(ENOSPC);
  }
  octets = octets.first(end - offset);
  if (octets.size() > 1 && (end_.has_come || chance_.chance(mood_.short_write))) {
    octets = octets.first(chance_.between(1, octets.size() - 1));
  }
  store(one, octets, offset);
  return {.value = static_cast<std::int64_t>(octets.size()), .error = 0};
}

void simulated_disk::check_cut(const descriptor& by, std::uint64_t bytes) {
  const file& one = files_[by.file];
  if (bytes >= one.octets.size()) {
    return;
  }
  if (one.has_final_name) {
    breaches_.add("a file is cut that has its final name: " + name_of(by.file));
  }
  if (by.repaired_from) {
    breaches_.check(bytes >= *by.repaired_from, [&] {
      return "repair cuts whole blocks off " + name_of(by.file) + ", at " + std::to_string(bytes) +
             " of " + std::to_string(*by.repaired_from);
    });
    return;
  }
  const auto rest = std::span(one.octets).subspan(bytes);
  breaches_.check(whole_blocks(rest) == rest.size() && blocks_that_say_something(rest) == 0, [&] {
    return "more than a filler is cut off " + name_of(by.file) + ", from " + std::to_string(bytes) +
           " on";
  });
}

call_result simulated_disk::cut(int fd, std::uint64_t bytes) noexcept {
  if (const int error = enter_change(mood_.failed_name); error != 0) {
    return failed(error);
  }
  descriptor& by = at(fd);
  check_cut(by, bytes);
  file& one = files_[by.file];
  one.octets.resize(bytes);
  one.written.cut(bytes);
  one.unforced.cut(bytes);
  one.refused.cut(bytes);
  one.reserved_bytes = 0;
  one.changed = now_;
  return {};
}

call_result simulated_disk::sync_data(int fd) noexcept {
  return sync(fd);
}

call_result simulated_disk::sync(int fd) noexcept {
  const int error = enter_change(mood_.failed_sync);
  if (error == EINTR) {
    return failed(error);
  }
  if (fd < first_descriptor) {
    if (error == 0) {
      lasting_names_ = names_;
      unforced_names_.clear();
    }
    return failed(error);
  }
  file& one = files_[at(fd).file];
  if (error != 0) {
    one.refused.add(one.unforced);
    one.unforced.clear();
    return failed(error);
  }
  one.lasting.resize(one.octets.size());
  for (const extent& each : one.unforced.all()) {
    std::copy_n(one.octets.begin() + static_cast<std::ptrdiff_t>(each.begin), each.end - each.begin,
                one.lasting.begin() + static_cast<std::ptrdiff_t>(each.begin));
  }
  one.unforced.clear();
  if (traits_.sync_keeps_names) {
    lasting_names_ = names_;
    unforced_names_.clear();
  }
  return {};
}

call_result simulated_disk::rename(int /*folder*/, const char* from, const char* to) noexcept {
  if (!traits_.has_exclusive_rename) {
    return failed(EINVAL);
  }
  if (const int error = enter_change(mood_.failed_name); error != 0) {
    return failed(error);
  }
  const auto found = names_.find(std::string_view(from));
  if (found == names_.end()) {
    return failed(ENOENT);
  }
  if (find(to) != nullptr) {
    return failed(EEXIST);
  }
  const std::size_t which = found->second;
  change_name(name_act::add, to, which);
  unforced_names_.back().with_next = true;
  change_name(name_act::drop, from, which);
  return {};
}

call_result simulated_disk::link(int /*folder*/, const char* from, const char* to) noexcept {
  if (const int error = enter_change(mood_.failed_name); error != 0) {
    return failed(error);
  }
  const auto found = names_.find(std::string_view(from));
  if (found == names_.end()) {
    return failed(ENOENT);
  }
  if (find(to) != nullptr) {
    return failed(EEXIST);
  }
  change_name(name_act::add, to, found->second);
  return {};
}

call_result simulated_disk::remove(int /*folder*/, const char* name) noexcept {
  if (const int error = enter_change(mood_.failed_name); error != 0) {
    return failed(error);
  }
  const auto found = names_.find(std::string_view(name));
  if (found == names_.end()) {
    return failed(ENOENT);
  }
  const std::size_t which = found->second;
  if (files_[which].names == 1 && events_.removed) {
    events_.removed(name);
  }
  change_name(name_act::drop, name, which);
  return {};
}

}  // namespace captured::simulation
