// SPDX-License-Identifier: MIT
#include "storage/file_writer.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <pthread.h>

#include "base/blocked_signals.hpp"
#include "base/check.hpp"
#include "storage/paired_file.hpp"
#include "storage/request_queue.hpp"

namespace captured::storage {

/// What object and threads own together; each thread holds a reference while it runs.
struct file_writer::shared_state {
  base::unique_fd folder;
  std::shared_ptr<system_calls> calls;
  file_writer_options options;
  // A slot is touched by one thread at a time: askers wait for the completions of other acts.
  std::array<paired_file, open_files_max> slots;
  request_queue data_requests;
  request_queue slow_requests;
  request_queue close_requests;
  request_queue& lane_of(file_action action) noexcept;

  std::mutex mutex;
  std::condition_variable thread_ended;
  int threads_running = 0;     // guarded by mutex
  completion_handler handler;  // guarded by mutex; empty once abandoned

  file_completion carry_out(const file_request& request);
  base::error_code remove(const file_request& request, file_completion& done);
  base::error_code measure(disk_space& space);
  void run(request_queue& requests);
};

namespace {

constexpr std::chrono::milliseconds destructor_grace{1000};

}  // namespace

request_queue& file_writer::shared_state::lane_of(file_action action) noexcept {
  switch (action) {
    case file_action::write:
    case file_action::sync:
      return data_requests;
    case file_action::finish:
      return close_requests;
    default:
      return slow_requests;
  }
}

file_completion file_writer::shared_state::carry_out(const file_request& request) {
  paired_file& file = slots[request.slot];
  file_completion done{.action = request.action,
                       .slot = request.slot,
                       .place = request.place,
                       .token = request.token};
  switch (request.action) {
    case file_action::create:
      done.error = file.create(*calls, folder.get(), request.name, request.bytes_expected,
                               options.with_sidecars);
      if (!done.error && options.direct) {
        file.write_directly(*calls);
      }
      break;
    case file_action::grow:
      done.error = file.grow(*calls, request.offset);
      break;
    case file_action::publish:
      done.error = file.publish(*calls, folder.get(), request.name);
      break;
    case file_action::write: {
      const auto written =
          file.write(*calls, request.octets, request.offset, {request.aside, request.aside_offset});
      done.error = written.error;
      done.octets_written = written.octets;
      break;
    }
    case file_action::sync:
      done.error = file.sync(*calls);
      done.was_forcing = done.error.failed();
      if (done.was_forcing) {
        file.set_unproven();
      }
      break;
    case file_action::finish:
      done.error = file.finish(*calls, folder.get(), request.name,
                               {request.offset, request.force_to_device});
      done.was_forcing = done.error.failed() && request.force_to_device && file.is_unproven();
      break;
    case file_action::discard:
      done.error = file.discard(*calls, folder.get());
      break;
    case file_action::leave:
      file.leave();
      break;
    case file_action::remove:
      done.error = remove(request, done);
      break;
    case file_action::measure:
      done.error = measure(done.space);
      break;
  }
  return done;
}

base::error_code file_writer::shared_state::measure(disk_space& space) {
  return {calls->measure(folder.get(), space).error, boost::system::system_category()};
}

/// What may be removed is asked at the last moment: a pin counts however late it comes.
base::error_code file_writer::shared_state::remove(const file_request& request,
                                                   file_completion& done) {
  const auto& category = boost::system::system_category();
  if (!options.may_remove) {
    return {not_ours_error, category};
  }
  if (const auto refused = options.may_remove(request.name)) {
    return refused;
  }
  disk_space before;
  if (const auto failed = measure(before)) {
    return failed;
  }
  done.space = before;
  if (request.keep_if_available > 0 && before.available_bytes >= request.keep_if_available) {
    return {not_needed_error, category};
  }
  const int error = calls->remove(folder.get(), request.name.c_str()).error;
  if (error != 0 && error != ENOENT) {
    return {error, category};
  }
  if (options.with_sidecars) {
    calls->remove(folder.get(), sidecar_of(request.name).c_str());
  }
  if (measure(done.space)) {
    done.space = before;  // the file is gone all the same
  }
  done.freed_bytes =
      done.space.available_bytes - std::min(done.space.available_bytes, before.available_bytes);
  return {};
}

void file_writer::shared_state::run(request_queue& requests) {
  while (const auto request = requests.pop()) {
    const auto done = carry_out(*request);
    // Held over the call, so that `abandon` knows that no handler runs once it has the mutex.
    const std::lock_guard lock(mutex);
    if (handler) {
      handler(done);
    }
  }
  const std::lock_guard lock(mutex);
  --threads_running;
  thread_ended.notify_all();
}

file_writer::file_writer(std::shared_ptr<shared_state> state) : state_(std::move(state)) {}

base::result<std::unique_ptr<file_writer>> file_writer::start(base::unique_fd folder,
                                                              completion_handler handler,
                                                              std::shared_ptr<system_calls> calls,
                                                              file_writer_options options) {
  auto state = std::make_shared<shared_state>();
  state->folder = std::move(folder);
  state->calls = std::move(calls);
  state->options = std::move(options);
  state->handler = std::move(handler);
  std::unique_ptr<file_writer> writer(new file_writer(state));
  const auto begin = [&state](request_queue& requests, const char* name) {
    {
      const std::lock_guard lock(state->mutex);
      ++state->threads_running;
    }
    std::jthread thread([state, &requests] { state->run(requests); });
    ::pthread_setname_np(thread.native_handle(), name);
    return thread;
  };
  const base::blocked_signals blocked;
  try {
    writer->data_thread_ = begin(state->data_requests, "file-data");
    writer->slow_thread_ = begin(state->slow_requests, "file-slow");
    writer->close_thread_ = begin(state->close_requests, "file-close");
  } catch (const std::system_error& error) {
    const std::lock_guard lock(state->mutex);
    --state->threads_running;
    return base::system_failure(error.code().value(), "start a thread for files");
  }
  return writer;
}

file_writer::~file_writer() {
  abandon(destructor_grace);
}

void file_writer::submit(file_request request) {
  CAPTURED_CHECK(request.slot < open_files_max);
  CAPTURED_CHECK(request.name.find('/') == std::string::npos);
  state_->lane_of(request.action).push(std::move(request));
}

int file_writer::descriptor(std::uint32_t slot) const noexcept {
  return state_->slots[slot].fd();
}

bool file_writer::abandon(std::chrono::milliseconds grace) {
  state_->data_requests.close();
  state_->slow_requests.close();
  state_->close_requests.close();
  completion_handler unused;  // destroyed here, in the owner's thread, and outside the mutex
  bool ended = false;
  {
    std::unique_lock lock(state_->mutex);
    unused = std::exchange(state_->handler, nullptr);
    ended =
        state_->thread_ended.wait_for(lock, grace, [this] { return state_->threads_running == 0; });
  }
  for (auto* const thread : {&data_thread_, &slow_thread_, &close_thread_}) {
    if (thread->joinable()) {
      ended ? thread->join() : thread->detach();
    }
  }
  return ended;
}

}  // namespace captured::storage
