// SPDX-License-Identifier: MIT
#include "daemon/part_repairs.hpp"

#include <atomic>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <sys/resource.h>
#include <unistd.h>

#include "base/blocked_signals.hpp"

namespace captured::daemon {

namespace {

constexpr int lowest_priority = 19;

}  // namespace

struct part_repairs::shared_state {
  std::shared_ptr<const storage::output_directory> folder;
  pipeline::found_parts wanted;
  std::set<std::string> refused;
  std::atomic<bool> stop{false};
  std::atomic<bool> has_finished{false};
  std::mutex mutex;
  handler done;  // guarded by mutex; empty once nobody wants to know

  void tell(const std::string& part, const base::result<pipeline::repaired_part>& how) {
    const std::lock_guard lock(mutex);
    if (done) {
      done(part, how);
    }
  }
  void run() {
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), lowest_priority);
    if (!stop) {  // first, since the list tells less and less
      folder->remove_unused(wanted.prepared);
    }
    for (const std::string& name : wanted.to_repair) {
      if (stop) {
        return;
      }
      tell(name, refused.contains(name) ? pipeline::set_refused_aside(*folder, name)
                                        : pipeline::repair_part(*folder, name, stop));
    }
    finish();
  }
  /// A folder that is kept open cannot be unmounted.
  void finish() {
    folder.reset();
    has_finished = true;
  }
};

part_repairs::part_repairs(std::shared_ptr<const storage::output_directory> folder,
                           pipeline::found_parts wanted, std::set<std::string> refused,
                           handler done)
    : state_(std::make_shared<shared_state>()) {
  state_->folder = std::move(folder);
  state_->wanted = std::move(wanted);
  state_->refused = std::move(refused);
  state_->done = std::move(done);
  const base::blocked_signals blocked;
  try {
    std::thread([state = state_] { state->run(); }).detach();
  } catch (const std::system_error& error) {
    for (const std::string& name : state_->wanted.to_repair) {
      state_->tell(name, base::system_failure(error.code().value(), "start a thread for repair"));
    }
    state_->finish();
  }
}

bool part_repairs::has_finished() const noexcept {
  return state_->has_finished;
}

part_repairs::~part_repairs() {
  state_->stop = true;
  const std::lock_guard lock(state_->mutex);
  state_->done = nullptr;
}

}  // namespace captured::daemon
