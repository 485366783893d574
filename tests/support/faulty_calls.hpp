// SPDX-License-Identifier: MIT
//
// The system calls of files with faults: real calls, of which chosen ones fail, come short or hang.
// May be used by several threads at once.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "storage/system_calls.hpp"

namespace captured::testing {

class faulty_calls : public storage::system_calls {
 public:
  /// Lets the n-th call from now on (1 is the next), of whatever kind, fail; 0 forgets that.
  void fail_nth(std::size_t nth, int errno_value);
  /// Lets each call of this name ("write", "rename", …) fail until told 0.
  void fail_all(const std::string& call, int errno_value);
  /// Writes take no more than this many octets.
  void shorten_writes(std::size_t octets_max);
  /// Calls of this name hang until `release`. `wait_until_hanging` waits until one does.
  void hang(const std::string& call);
  void wait_until_hanging();
  void release();

  /// Names of all calls so far, in order, those that failed included.
  [[nodiscard]] std::vector<std::string> calls() const;

  storage::call_result create(int folder, const char* name) noexcept override;
  storage::call_result allocate(int fd, std::uint64_t bytes, bool keep_size) noexcept override;
  storage::call_result set_direct(int fd, bool direct) noexcept override;
  storage::call_result write(int fd, std::span<const std::byte> octets,
                             std::uint64_t offset) noexcept override;
  storage::call_result cut(int fd, std::uint64_t bytes) noexcept override;
  storage::call_result sync_data(int fd) noexcept override;
  storage::call_result sync(int fd) noexcept override;
  storage::call_result rename(int folder, const char* from, const char* to) noexcept override;
  storage::call_result link(int folder, const char* from, const char* to) noexcept override;
  storage::call_result remove(int folder, const char* name) noexcept override;
  using system_calls::look_at;
  storage::call_result look_at(int folder, const char* name,
                               storage::file_facts& facts) noexcept override;
  storage::call_result measure(int folder, storage::disk_space& space) noexcept override;

 private:
  /// Notes the call, hangs if it must, and returns the errno value it fails with, or 0.
  int enter(const char* call);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> calls_;
  std::map<std::string, int> failing_;
  std::size_t fail_in_ = 0;
  int fail_errno_ = 0;
  std::size_t octets_max_ = static_cast<std::size_t>(-1);
  std::string hanging_call_;
  int hanging_ = 0;
};

}  // namespace captured::testing
