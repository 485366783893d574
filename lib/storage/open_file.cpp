// SPDX-License-Identifier: MIT
#include "storage/open_file.hpp"

#include <cerrno>

#include "base/check.hpp"
#include "storage/part_file.hpp"
#include "storage/retried.hpp"

namespace captured::storage {

namespace {

base::error_code to_code(int errno_value) {
  return {errno_value, boost::system::system_category()};
}

bool is_lack_of_room(int error) {
  return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

}  // namespace

base::error_code open_file::create(system_calls& calls, int folder, const std::string& name,
                                   std::uint64_t bytes_expected) {
  CAPTURED_CHECK(!is_open());
  const auto made = retried([&] { return calls.create(folder, name.c_str()); });
  if (made.error != 0) {
    return to_code(made.error);
  }
  fd_.reset(static_cast<int>(made.value));
  name_ = name;
  done_ = finish_step::begun;
  is_unproven_ = false;
  if (bytes_expected == 0) {
    return {};
  }
  const auto reserved = retried([&] { return calls.allocate(fd(), bytes_expected, true); });
  if (is_lack_of_room(reserved.error)) {
    // What was reserved before the room ended would be missing elsewhere.
    static_cast<void>(retried([&] { return calls.cut(fd(), 0); }));
    return {};
  }
  if (reserved.error == 0 || is_unsupported(reserved.error)) {
    return {};
  }
  // The name must be free again for the next attempt.
  discard(calls, folder);
  return to_code(reserved.error);
}

base::error_code open_file::rename_to(system_calls& calls, int folder, const std::string& name) {
  const int error = rename_apart(calls, folder, fd(), name_, name);
  if (error == 0) {
    name_ = name;
  }
  return to_code(error);
}

base::error_code open_file::publish(system_calls& calls, int folder, const std::string& name) {
  CAPTURED_CHECK(is_open());
  return rename_to(calls, folder, name);
}

open_file::written open_file::write(system_calls& calls, int fd, std::span<const std::byte> octets,
                                    std::uint64_t offset) {
  const auto once = [&] { return calls.write(fd, octets, offset); };
  auto done = retried(once);
  if (done.error == EINVAL && calls.set_direct(fd, false).value == 1) {
    done = retried(once);
  }
  if (done.error == 0 && done.value == 0 && !octets.empty()) {
    return {0, to_code(EIO)};
  }
  return {static_cast<std::size_t>(done.value), to_code(done.error)};
}

base::error_code open_file::grow(system_calls& calls, int fd, std::uint64_t bytes) {
  return to_code(retried([&] { return calls.allocate(fd, bytes, false); }).error);
}

base::error_code open_file::sync(system_calls& calls, int fd) {
  return to_code(retried([&] { return calls.sync_data(fd); }).error);
}

base::error_code open_file::finish(system_calls& calls, int folder, const std::string& name,
                                   ending end) {
  CAPTURED_CHECK(is_open());
  if (done_ < finish_step::cut) {
    if (const auto cut = retried([&] { return calls.cut(fd(), end.bytes); }); cut.error != 0) {
      return to_code(cut.error);
    }
    done_ = finish_step::cut;
  }
  if (done_ < finish_step::forced) {
    if (end.force_to_device && is_unproven_) {
      return to_code(EIO);
    }
    if (end.force_to_device) {
      if (const auto forced = retried([&] { return calls.sync(fd()); }); forced.error != 0) {
        is_unproven_ = true;
        return to_code(forced.error);
      }
    }
    done_ = finish_step::forced;
  }
  if (done_ < finish_step::renamed) {
    if (const auto error = rename_to(calls, folder, name)) {
      return error;
    }
    done_ = finish_step::renamed;
  }
  if (end.force_to_device) {
    const auto forced = retried([&] { return calls.sync(folder); });
    if (forced.error != 0 && !is_unsupported(forced.error)) {
      return to_code(forced.error);
    }
  }
  fd_.reset();
  return {};
}

base::error_code open_file::discard(system_calls& calls, int folder) {
  CAPTURED_CHECK(is_open());
  const int error = retried([&] { return calls.remove(folder, name_.c_str()); }).error;
  fd_.reset();
  return to_code(error == ENOENT ? 0 : error);
}

}  // namespace captured::storage
