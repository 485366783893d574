// SPDX-License-Identifier: MIT
#include "support/faulty_calls.hpp"

#include <algorithm>

namespace captured::testing {

using storage::call_result;
using storage::system_calls;

void faulty_calls::fail_nth(std::size_t nth, int errno_value) {
  const std::lock_guard lock(mutex_);
  fail_in_ = nth;
  fail_errno_ = errno_value;
}

void faulty_calls::fail_all(const std::string& call, int errno_value) {
  const std::lock_guard lock(mutex_);
  failing_[call] = errno_value;
}

void faulty_calls::shorten_writes(std::size_t octets_max) {
  const std::lock_guard lock(mutex_);
  octets_max_ = octets_max;
}

void faulty_calls::hang(const std::string& call) {
  const std::lock_guard lock(mutex_);
  hanging_call_ = call;
}

void faulty_calls::wait_until_hanging() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return hanging_ > 0; });
}

void faulty_calls::release() {
  const std::lock_guard lock(mutex_);
  hanging_call_.clear();
  changed_.notify_all();
}

std::vector<std::string> faulty_calls::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

int faulty_calls::enter(const char* call) {
  std::unique_lock lock(mutex_);
  calls_.emplace_back(call);
  if (hanging_call_ == call) {
    ++hanging_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return hanging_call_.empty(); });
    --hanging_;
  }
  if (fail_in_ > 0 && --fail_in_ == 0) {
    return fail_errno_;
  }
  const auto failing = failing_.find(call);
  return failing == failing_.end() ? 0 : failing->second;
}

call_result faulty_calls::create(int folder, const char* name) noexcept {
  const int error = enter("create");
  return error != 0 ? call_result{0, error} : system_calls::create(folder, name);
}

call_result faulty_calls::allocate(int fd, std::uint64_t bytes, bool keep_size) noexcept {
  const int error = enter("allocate");
  return error != 0 ? call_result{0, error} : system_calls::allocate(fd, bytes, keep_size);
}

call_result faulty_calls::set_direct(int fd, bool direct) noexcept {
  const int error = enter("set_direct");
  return error != 0 ? call_result{0, error} : system_calls::set_direct(fd, direct);
}

call_result faulty_calls::write(int fd, std::span<const std::byte> octets,
                                std::uint64_t offset) noexcept {
  const int error = enter("write");
  if (error != 0) {
    return {0, error};
  }
  const auto count = [this, &octets] {
    const std::lock_guard lock(mutex_);
    return std::min(octets.size(), octets_max_);
  }();
  return system_calls::write(fd, octets.first(count), offset);
}

call_result faulty_calls::cut(int fd, std::uint64_t bytes) noexcept {
  const int error = enter("cut");
  return error != 0 ? call_result{0, error} : system_calls::cut(fd, bytes);
}

call_result faulty_calls::sync_data(int fd) noexcept {
  const int error = enter("sync_data");
  return error != 0 ? call_result{0, error} : system_calls::sync_data(fd);
}

call_result faulty_calls::sync(int fd) noexcept {
  const int error = enter("sync");
  return error != 0 ? call_result{0, error} : system_calls::sync(fd);
}

call_result faulty_calls::rename(int folder, const char* from, const char* to) noexcept {
  const int error = enter("rename");
  return error != 0 ? call_result{0, error} : system_calls::rename(folder, from, to);
}

call_result faulty_calls::link(int folder, const char* from, const char* to) noexcept {
  const int error = enter("link");
  return error != 0 ? call_result{0, error} : system_calls::link(folder, from, to);
}

call_result faulty_calls::remove(int folder, const char* name) noexcept {
  const int error = enter("remove");
  return error != 0 ? call_result{0, error} : system_calls::remove(folder, name);
}

call_result faulty_calls::look_at(int folder, const char* name,
                                  storage::file_facts& facts) noexcept {
  const int error = enter("look_at");
  return error != 0 ? call_result{0, error} : system_calls::look_at(folder, name, facts);
}

call_result faulty_calls::measure(int folder, storage::disk_space& space) noexcept {
  const int error = enter("measure");
  return error != 0 ? call_result{0, error} : system_calls::measure(folder, space);
}

}  // namespace captured::testing
