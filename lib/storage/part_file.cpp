// SPDX-License-Identifier: MIT
#include "storage/part_file.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "storage/retried.hpp"

namespace captured::storage {

namespace {

/// Other names tried for a file whose own is taken.
constexpr int name_attempts = 1000;
constexpr std::size_t read_bytes = std::size_t{1} << 20;

}  // namespace

int rename_apart(system_calls& calls, int folder, int fd, const std::string& from,
                 const std::string& to) {
  int error = retried([&] { return calls.rename(folder, from.c_str(), to.c_str()); }).error;
  if (!is_unsupported(error)) {
    return error;
  }
  // NFS and some FUSE file systems have no RENAME_NOREPLACE. A link does not replace either, but
  // then both names stand for a moment, and for longer if removing the first one fails. So a
  // name that is in the way may be our own, from an attempt before this one.
  error = retried([&] { return calls.link(folder, from.c_str(), to.c_str()); }).error;
  if (error == EEXIST) {
    // Where that cannot be told, another name would be a second one for good.
    const auto same = retried([&] { return calls.is_same_file(fd, folder, to.c_str()); });
    error = same.value == 1 ? 0 : same.error != 0 && same.error != ENOENT ? same.error : EEXIST;
  }
  if (error == 0) {
    error = retried([&] { return calls.remove(folder, from.c_str()); }).error;
    error = error == ENOENT ? 0 : error;
  }
  return error;
}

base::failure part_file::failed(int error, const char* act) const {
  return base::system_failure(error, std::string(act) + " " + name_);
}

base::result<part_file> part_file::open(system_calls& calls, int folder, const std::string& name,
                                        file_access access) {
  const call_result open = retried([&] { return calls.open(folder, name.c_str(), access); });
  if (open.error != 0) {
    return base::system_failure(open.error, "open " + name);
  }
  base::unique_fd fd(static_cast<int>(open.value));
  file_facts facts;
  if (const auto looked = retried([&] { return calls.look_at(fd.get(), facts); });
      looked.error != 0) {
    return base::system_failure(looked.error, "look at " + name);
  }
  if (!facts.is_regular) {
    return base::invalid_input("open " + name, "it is no regular file");
  }
  part_file opened(calls, folder, name, std::move(fd));
  opened.size_ = facts.size_bytes;
  opened.changed_ = facts.changed;
  return opened;
}

base::result<bool> part_file::has_also(const std::string& other_name) const {
  const auto same =
      retried([&] { return calls_->is_same_file(fd_.get(), folder_, other_name.c_str()); });
  if (same.error != 0 && same.error != ENOENT) {
    return base::system_failure(same.error, "look at " + other_name);
  }
  return same.value == 1;
}

base::result<> part_file::drop_name() {
  const auto dropped = retried([&] { return calls_->remove(folder_, name_.c_str()); });
  return dropped.error == 0 ? base::result<>() : failed(dropped.error, "remove");
}

base::result<std::size_t> part_file::read(std::span<std::byte> room, std::uint64_t offset) const {
  const call_result done = retried([&] { return calls_->read(fd_.get(), room, offset); });
  if (done.error != 0) {
    return failed(done.error, "read");
  }
  return static_cast<std::size_t>(done.value);
}

base::result<std::uint64_t> part_file::used_bytes(std::uint64_t from) const {
  std::vector<std::byte> part(read_bytes);
  for (std::uint64_t end = size_; end > from;) {
    const std::uint64_t begin = end - std::min<std::uint64_t>(end - from, part.size());
    const auto room = std::span(part).first(static_cast<std::size_t>(end - begin));
    std::size_t filled = 0;
    while (filled < room.size()) {
      const auto count = read(room.subspan(filled), begin + filled);
      if (!count) {
        return count.error();
      }
      if (*count == 0) {
        break;  // it became shorter
      }
      filled += *count;
    }
    const auto last = std::find_if(room.rbegin(), room.rend(),
                                   [](std::byte octet) { return octet != std::byte{0}; });
    if (last != room.rend()) {
      return begin + static_cast<std::uint64_t>(room.rend() - last);
    }
    end = begin;
  }
  return from;
}

base::result<> part_file::close_at(std::uint64_t length, std::span<const std::byte> closing) {
  std::uint64_t at = length;
  for (auto rest = closing; !rest.empty();) {
    const auto done = retried([&] { return calls_->write(fd_.get(), rest, at); });
    if (done.error != 0 || done.value == 0) {
      return failed(done.error != 0 ? done.error : EIO, "write");
    }
    rest = rest.subspan(static_cast<std::size_t>(done.value));
    at += static_cast<std::uint64_t>(done.value);
  }
  if (const auto cut = retried([&] { return calls_->cut(fd_.get(), at); }); cut.error != 0) {
    return failed(cut.error, "cut");
  }
  size_ = at;
  // Its age is that of its packets, not of the repair.
  static_cast<void>(calls_->set_changed(fd_.get(), changed_));
  if (const auto forced = retried([&] { return calls_->sync(fd_.get()); }); forced.error != 0) {
    is_refused_ = true;
    return failed(forced.error, "sync");
  }
  return {};
}

void part_file::give_back_reserved() noexcept {
  static_cast<void>(retried([&] { return calls_->cut(fd_.get(), size_); }));
  static_cast<void>(calls_->set_changed(fd_.get(), changed_));
}

base::result<> part_file::rename_to(const std::string& stem, const std::string& ending) {
  for (int attempt = 0;; ++attempt) {
    const std::string name =
        stem + (attempt == 0 ? std::string() : "+" + std::to_string(attempt)) + ending;
    const int error = rename_apart(*calls_, folder_, fd_.get(), name_, name);
    if (error == EEXIST && attempt < name_attempts) {
      continue;
    }
    if (error != 0) {
      return failed(error, "rename");
    }
    name_ = name;
    break;
  }
  const auto forced = retried([&] { return calls_->sync(folder_); });
  if (forced.error != 0 && !is_unsupported(forced.error)) {
    return failed(forced.error, "sync the folder of");
  }
  return {};
}

}  // namespace captured::storage
