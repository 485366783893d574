// SPDX-License-Identifier: MIT
#include "support/power_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>

#include "base/check.hpp"

namespace captured::testing {

namespace {

using storage::call_result;
using storage::file_action;

constexpr std::uint64_t sector = 512;
constexpr std::size_t none = static_cast<std::size_t>(-1);

call_result failed(int error) {
  return {.value = 0, .error = error};
}

}  // namespace

std::size_t power_disk::file_named(const std::string& name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? none : found->second;
}

call_result power_disk::create(int, const char* name) noexcept {
  if (file_named(name) != none) {
    return failed(EEXIST);
  }
  const int fd = ::open("/dev/null", O_WRONLY | O_CLOEXEC);  // whoever opens it will close it
  CAPTURED_CHECK(fd >= 0);
  open_[fd] = files_;
  names_[name] = files_;
  log_.push_back({.what = kind::name, .file = files_++, .name = name});
  return {.value = fd, .error = 0};
}

call_result power_disk::write(int fd, std::span<const std::byte> data,
                              std::uint64_t offset) noexcept {
  log_.push_back({.what = kind::write,
                  .file = open_.at(fd),
                  .offset = offset,
                  .data = octets(data.begin(), data.end())});
  return {.value = static_cast<std::int64_t>(data.size()), .error = 0};
}

call_result power_disk::cut(int fd, std::uint64_t bytes) noexcept {
  log_.push_back({.what = kind::cut, .file = open_.at(fd), .offset = bytes});
  return {};
}

call_result power_disk::sync(int fd) noexcept {
  if (fd == folder) {
    log_.push_back({.what = kind::sync_folder});
  } else {
    log_.push_back({.what = kind::sync, .file = open_.at(fd)});
  }
  return {};
}

call_result power_disk::rename(int, const char* from, const char* to) noexcept {
  const std::size_t file = file_named(from);
  if (file == none || file_named(to) != none) {
    return failed(file == none ? ENOENT : EEXIST);
  }
  names_.erase(from);
  names_[to] = file;
  log_.push_back({.what = kind::name, .file = file, .name = to});
  return {};
}

call_result power_disk::remove(int, const char* name) noexcept {
  const std::size_t file = file_named(name);
  if (file == none) {
    return failed(ENOENT);
  }
  names_.erase(name);
  log_.push_back({.what = kind::remove, .file = file});
  return {};
}

call_result power_disk::measure(int, storage::disk_space& space) noexcept {
  space = {std::uint64_t{1} << 40, std::uint64_t{1} << 39};
  return {};
}

std::size_t power_disk::last_sync(std::size_t file, std::size_t at) const {
  for (std::size_t i = at; i > 0; --i) {
    if (log_[i - 1].what == kind::sync && log_[i - 1].file == file) {
      return i;
    }
  }
  return 0;
}

void power_disk::apply(const act& one, octets& content) {
  if (one.what == kind::cut) {
    content.resize(one.offset);
  } else if (one.what == kind::write) {
    content.resize(std::max<std::size_t>(content.size(), one.offset + one.data.size()));
    std::copy(one.data.begin(), one.data.end(),
              content.begin() + static_cast<std::ptrdiff_t>(one.offset));
  }
}

octets power_disk::content_after_cut(std::size_t file, std::size_t at, std::mt19937& random) const {
  const std::size_t forced_at = last_sync(file, at);
  octets content;
  for (std::size_t i = 0; i < forced_at; ++i) {
    if (log_[i].file == file) {
      apply(log_[i], content);
    }
  }
  // Of what was not forced: nothing, some of it, or all.
  const auto share = random() % 3;
  std::uint64_t size_min = content.size();
  std::uint64_t size_max = content.size();
  for (std::size_t i = forced_at; i < at; ++i) {
    const act& one = log_[i];
    if (one.file != file || (one.what != kind::write && one.what != kind::cut)) {
      continue;
    }
    if (one.what == kind::cut) {
      size_min = std::min(size_min, one.offset);
      size_max = std::max(size_max, one.offset);
      continue;
    }
    size_max = std::max<std::uint64_t>(size_max, one.offset + one.data.size());
    content.resize(std::max<std::size_t>(content.size(), size_max));
    for (std::uint64_t begin = one.offset; begin < one.offset + one.data.size();) {
      const std::uint64_t end =
          std::min<std::uint64_t>((begin / sector + 1) * sector, one.offset + one.data.size());
      if (share == 2 || (share == 1 && random() % 2 == 0)) {
        std::copy(one.data.begin() + static_cast<std::ptrdiff_t>(begin - one.offset),
                  one.data.begin() + static_cast<std::ptrdiff_t>(end - one.offset),
                  content.begin() + static_cast<std::ptrdiff_t>(begin));
      }
      begin = end;
    }
  }
  const std::uint64_t spread = size_max - size_min;
  const auto which = random() % 3;
  content.resize(which == 0   ? size_min
                 : which == 1 ? size_max
                              : size_min + random() % (spread + 1));
  return content;
}

std::string power_disk::name_after_cut(std::size_t file, std::size_t at,
                                       std::mt19937& random) const {
  std::vector<std::string> history{""};  // no name at all
  std::size_t sure = 0;
  for (std::size_t i = 0; i < at; ++i) {
    const act& one = log_[i];
    if (one.what == kind::sync_folder) {
      sure = history.size() - 1;
    } else if (one.file == file && (one.what == kind::name || one.what == kind::remove)) {
      history.push_back(one.name);
    } else if (one.file == file && one.what == kind::sync) {
      sure = std::max<std::size_t>(sure, 1);
    }
  }
  return history[sure + random() % (history.size() - sure)];
}

std::map<std::string, octets> power_disk::after_cut(std::size_t at, std::mt19937& random) const {
  std::map<std::string, octets> left;
  for (std::size_t file = 0; file < files_; ++file) {
    const std::string name = name_after_cut(file, at, random);
    if (!name.empty()) {
      left[name] = content_after_cut(file, at, random);
    }
  }
  return left;
}

std::vector<octets> power_disk::forced(std::size_t at) const {
  std::vector<octets> all;
  for (std::size_t file = 0; file < files_; ++file) {
    const std::size_t forced_at = last_sync(file, at);
    octets content;
    for (std::size_t i = 0; i < forced_at; ++i) {
      if (log_[i].file == file) {
        apply(log_[i], content);
      }
    }
    all.push_back(std::move(content));
  }
  return all;
}

std::optional<storage::file_completion> power_files::run_one() {
  if (waiting_.empty()) {
    return std::nullopt;
  }
  const auto is_write = [](const storage::file_request& one) {
    return one.action == file_action::write;
  };
  const auto writes = std::find_if_not(waiting_.begin(), waiting_.end(), is_write);
  const auto count = static_cast<std::size_t>(writes - waiting_.begin());
  const auto at = waiting_.begin() + static_cast<std::ptrdiff_t>(count > 1 ? random_() % count : 0);
  const storage::file_request what = std::move(*at);
  waiting_.erase(at);
  storage::open_file& file = slots_[what.slot];
  storage::file_completion done{
      .action = what.action, .slot = what.slot, .place = what.place, .token = what.token};
  switch (what.action) {
    case file_action::create:
      done.error = file.create(disk_, power_disk::folder, what.name, what.bytes_expected);
      break;
    case file_action::publish:
      done.error = file.publish(disk_, power_disk::folder, what.name);
      break;
    case file_action::write: {
      const auto written = storage::open_file::write(disk_, file.fd(), what.octets, what.offset);
      done.error = written.error;
      done.octets_written = written.octets;
      break;
    }
    case file_action::grow:
      done.error = storage::open_file::grow(disk_, file.fd(), what.offset);
      break;
    case file_action::sync:
      done.error = storage::open_file::sync(disk_, file.fd());
      break;
    case file_action::finish:
      done.error =
          file.finish(disk_, power_disk::folder, what.name, {what.offset, what.force_to_device});
      break;
    case file_action::discard:
      done.error = file.discard(disk_, power_disk::folder);
      break;
    case file_action::leave:
      file.leave();
      break;
    case file_action::measure:
      disk_.measure(power_disk::folder, done.space);
      break;
    case file_action::remove:
      break;
  }
  return done;
}

}  // namespace captured::testing
