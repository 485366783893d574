// SPDX-License-Identifier: MIT
#include "storage/uring_writer.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <liburing.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.hpp"

namespace captured::storage {

namespace {

constexpr std::chrono::milliseconds destructor_grace{1000};
/// Enough for many outputs whose disks hang; they are made when they are needed.
constexpr unsigned kernel_workers_max = 1024;

/// Writes that may wait for company before the kernel hears of them.
constexpr unsigned begun_together_max = 4;

/// From this on a file is made longer ahead of its contents, by that much at a time.
constexpr std::uint64_t fast_octets = 8 << 20;  // within a window
constexpr std::chrono::milliseconds rate_window{500};
constexpr std::uint64_t ahead_octets = 64 << 20;

base::error_code to_code(int errno_value) {
  return {errno_value, boost::system::system_category()};
}

bool is_aligned(std::uint64_t value) noexcept {
  return value % direct_alignment == 0;
}

/// io_uring_register(2), for what the liburing of Debian 12 declares and does not export.
int register_with(const io_uring& ring, unsigned what, void* argument, unsigned count) noexcept {
  const auto result = ::syscall(__NR_io_uring_register, ring.ring_fd, what, argument, count);
  return result < 0 ? -errno : static_cast<int>(result);
}

/// All that this ring may ever do. Requests carry no flags, so that none can be made part of a
/// chain or use a table of files.
int restrict_ring(io_uring& ring) noexcept {
  std::array<io_uring_restriction, 4> allowed{};
  allowed[0].opcode = IORING_RESTRICTION_SQE_OP;
  allowed[0].sqe_op = IORING_OP_WRITE;
  allowed[1].opcode = IORING_RESTRICTION_SQE_OP;
  allowed[1].sqe_op = IORING_OP_WRITE_FIXED;
  allowed[2].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
  allowed[2].sqe_flags = 0;
  allowed[3].opcode = IORING_RESTRICTION_REGISTER_OP;
  allowed[3].register_op = IORING_REGISTER_BUFFERS_UPDATE;
  return register_with(ring, IORING_REGISTER_RESTRICTIONS, allowed.data(),
                       static_cast<unsigned>(allowed.size()));
}

/// As io_uring_queue_init_params. Kernels before 6.1 do not know the flags of one thread.
int make_ring(io_uring& ring, bool one_thread) noexcept {
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_CLAMP;
  if (one_thread) {
    parameters.flags |=
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  }
  const int made =
      io_uring_queue_init_params(static_cast<unsigned>(requests_in_flight_max), &ring, &parameters);
  return made == -EINVAL && one_thread ? make_ring(ring, false) : made;
}

}  // namespace

bool has_direct_writes(int folder) noexcept {
  const base::unique_fd probe(
      ::openat(folder, ".", O_TMPFILE | O_WRONLY | O_DIRECT | O_CLOEXEC, 0600));
  if (probe) {
    return true;
  }
  // No files without a name here: the flag alone can be asked for on any file.
  const base::unique_fd folder_again(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return errno != EINVAL && folder_again && ::fcntl(folder_again.get(), F_SETFL, O_DIRECT) == 0;
}

void uring_writer::ring_deleter::operator()(io_uring* ring) const noexcept {
  io_uring_queue_exit(ring);
  delete ring;
}

base::error_code uring_writer::open_ring(uring_options how) {
  event_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event_) {
    return to_code(errno);
  }
  auto ring = std::make_unique<io_uring>();
  if (const int made = make_ring(*ring, how.one_thread); made < 0) {
    return to_code(-made);
  }
  ring_.reset(ring.release());
  const auto memories = static_cast<unsigned>(memory_.size());
  // The kernel's workers belong to the thread that writes, and serve all outputs on it; each one
  // that hangs with its disk holds some. By default there are no more than four a processor.
  std::array<unsigned, 2> workers_max{kernel_workers_max, kernel_workers_max};
  for (const int result :
       {io_uring_register_iowq_max_workers(ring_.get(), workers_max.data()),
        io_uring_register_buffers_sparse(ring_.get(), memories),
        io_uring_register_eventfd(ring_.get(), event_.get()), restrict_ring(*ring_)}) {
    if (result < 0) {
      return to_code(-result);
    }
  }
  want_notices(false);
  return how.one_thread ? base::error_code{} : enable_ring();
}

/// The thread that enables the ring is the one that the kernel takes requests from.
base::error_code uring_writer::enable_ring() noexcept {
  const int result = register_with(*ring_, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  is_enabled_ = result >= 0;
  return to_code(is_enabled_ ? 0 : -result);
}

base::result<std::unique_ptr<uring_writer>> uring_writer::start(
    base::unique_fd folder, completion_handler handler, file_writer_options options,
    uring_options how, std::shared_ptr<system_calls> calls) {
  std::unique_ptr<uring_writer> writer(new uring_writer);
  if (const auto error = writer->open_ring(how)) {
    return base::failure{error, "set up io_uring"};
  }
  options.direct = true;
  auto lane = file_writer::start(
      std::move(folder),
      [itself = writer.get(), handler](const file_completion& done) {
        if (done.action == file_action::grow) {
          itself->ahead_[done.slot].under_way.store(false, std::memory_order_release);
          const std::uint64_t one = 1;  // what was held back can go on
          static_cast<void>(::write(itself->event_.get(), &one, sizeof one));
        } else {
          handler(done);
        }
      },
      std::move(calls), std::move(options));
  if (!lane) {
    return lane.error();
  }
  writer->lane_ = std::move(*lane);
  writer->handler_ = std::move(handler);
  writer->writes_.resize(requests_in_flight_max);
  writer->free_.reserve(requests_in_flight_max);
  writer->held_back_.reserve(2 * open_files_max);
  for (std::uint32_t i = 0; i < requests_in_flight_max; ++i) {
    writer->free_.push_back(i);
  }
  return writer;
}

uring_writer::~uring_writer() {
  if (lane_) {
    abandon(destructor_grace);
  }
}

bool uring_writer::can_write_directly(const file_request& request) const noexcept {
  return request.action == file_action::write && !request.octets.empty() &&
         is_aligned(request.offset) && is_aligned(request.octets.size()) &&
         is_aligned(reinterpret_cast<std::uintptr_t>(request.octets.data()));
}

void uring_writer::submit(file_request request) {
  CAPTURED_CHECK(request.slot < open_files_max);
  if (request.action == file_action::create) {
    ahead_[request.slot].length = 0;
    ahead_[request.slot].limit = request.bytes_expected;
  }
  if (request.action != file_action::write && uses_slot(request.action)) {
    waiting_request waiting{.what = std::move(request), .after = newest_write_};
    if (must_wait(waiting)) {
      held_back_.push_back(std::move(waiting));
    } else {
      lane_->submit(std::move(waiting.what));
    }
    return;
  }
  if (!can_write_directly(request)) {
    lane_->submit(std::move(request));
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  note_rate(request.octets.size(), now);
  grow_ahead(request.slot, request.offset + request.octets.size());
  CAPTURED_CHECK(!free_.empty());
  const std::uint32_t index = free_.back();
  free_.pop_back();
  const bool is_known = find_memory(request.octets) >= 0;
  writes_[index] = {
      .request = std::move(request), .number = ++newest_write_, .from_known_memory = is_known};
  pacing_.add(index);
  begin_writes(now);
}

void uring_writer::begin_writes(base::steady_time now) noexcept {
  while (const auto index = pacing_.next(now)) {
    begin_write(*index);
  }
}

void uring_writer::note_rate(std::size_t octets, base::steady_time now) noexcept {
  if (now - window_begun_ > rate_window) {
    is_fast_ = window_octets_ >= fast_octets && now - window_begun_ < 2 * rate_window;
    window_begun_ = now;
    window_octets_ = 0;
  }
  window_octets_ += octets;
  is_fast_ = is_fast_ || window_octets_ >= fast_octets;
}

void uring_writer::grow_ahead(std::uint32_t slot, std::uint64_t end) {
  length_ahead& file = ahead_[slot];
  if (!is_fast_ || end + ahead_octets / 2 <= file.length ||
      file.under_way.load(std::memory_order_acquire)) {
    return;
  }
  std::uint64_t wanted = end + ahead_octets;
  if (file.limit >= end) {
    wanted = std::min(wanted, file.limit);
  }
  if (wanted > file.length) {
    file.length = wanted;
    file.under_way.store(true, std::memory_order_release);
    lane_->submit({.action = file_action::grow, .slot = slot, .offset = wanted, .name = {}});
  }
}

void uring_writer::begin_write(std::uint32_t index) noexcept {
  const write_under_way& write = writes_[index];
  const file_request& what = write.request;
  const int fd = lane_->descriptor(what.slot);
  const auto length = static_cast<unsigned>(what.octets.size());
  io_uring_sqe* const entry = io_uring_get_sqe(ring_.get());
  CAPTURED_CHECK(entry != nullptr);  // there are as many as requests
  if (write.from_known_memory) {
    io_uring_prep_write_fixed(entry, fd, what.octets.data(), length, what.offset,
                              find_memory(what.octets));
  } else {
    io_uring_prep_write(entry, fd, what.octets.data(), length, what.offset);
  }
  io_uring_sqe_set_data64(entry, index);
  if (io_uring_sq_ready(ring_.get()) >= begun_together_max) {
    flush();  // so that the disk has something to do meanwhile
  }
}

/// A sync covers the writes before it, and a file that is being made longer cannot end.
bool uring_writer::must_wait(const waiting_request& one) const noexcept {
  const std::uint32_t slot = one.what.slot;
  const bool ends = one.what.action != file_action::sync;
  return (ends && ahead_[slot].under_way.load(std::memory_order_acquire)) ||
         std::ranges::any_of(writes_, [&](const write_under_way& write) {
           return write.number != 0 && write.number <= one.after && write.request.slot == slot;
         });
}

void uring_writer::flush() noexcept {
  for (std::size_t i = 0; i < held_back_.size();) {
    if (must_wait(held_back_[i])) {
      ++i;
      continue;
    }
    lane_->submit(std::move(held_back_[i].what));
    held_back_.erase(held_back_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  // What the kernel does not take now, for want of memory, it takes the next time.
  if (io_uring_sq_ready(ring_.get()) > 0 && (is_enabled_ || !enable_ring())) {
    io_uring_submit(ring_.get());
  }
}

void uring_writer::want_notices(bool wanted) noexcept {
  io_uring_cq_eventfd_toggle(ring_.get(), wanted);
  // The flag is seen before what completes is looked for.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void uring_writer::on_result(std::uint32_t index, int result) {
  write_under_way& write = writes_[index];
  file_request request = std::move(write.request);
  write.number = 0;
  free_.push_back(index);
  pacing_.on_end(std::chrono::steady_clock::now());
  if (result == -EINVAL || result == -EOPNOTSUPP || result == -EAGAIN || result == -EINTR) {
    // The file system takes the flag and then not the write, or not now: the lane tries until there
    // is an answer, and knows the way round.
    lane_->submit(std::move(request));
    return;
  }
  file_completion done{.action = request.action, .slot = request.slot, .token = request.token};
  if (result > 0) {
    done.octets_written = static_cast<std::size_t>(result);
  } else {
    done.error = to_code(result == 0 ? EIO : -result);
  }
  handler_(done);
}

void uring_writer::reap() {
  io_uring_cqe* entry = nullptr;
  while (io_uring_peek_cqe(ring_.get(), &entry) == 0) {
    const auto index = static_cast<std::uint32_t>(io_uring_cqe_get_data64(entry));
    const int result = entry->res;
    io_uring_cqe_seen(ring_.get(), entry);
    on_result(index, result);
  }
  if (is_holding_back()) {
    begin_writes(std::chrono::steady_clock::now());
  }
}

int uring_writer::find_memory(std::span<const std::byte> octets) const noexcept {
  for (std::size_t i = 0; i < memory_.size(); ++i) {
    const auto& known = memory_[i];
    if (!known.empty() && octets.data() >= known.data() &&
        octets.data() + octets.size() <= known.data() + known.size()) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

base::error_code uring_writer::add_memory(std::span<std::byte> memory) {
  const auto slot =
      std::find_if(memory_.begin(), memory_.end(), [](const auto& known) { return known.empty(); });
  if (slot == memory_.end()) {
    return to_code(ENOSPC);
  }
  const iovec one{memory.data(), memory.size()};
  const __u64 tag = 0;
  const int result = io_uring_register_buffers_update_tag(
      ring_.get(), static_cast<unsigned>(slot - memory_.begin()), &one, &tag, 1);
  if (result < 0) {
    return to_code(-result);
  }
  *slot = memory;
  return {};
}

void uring_writer::remove_memory(std::span<std::byte> memory) {
  const auto slot = std::find_if(memory_.begin(), memory_.end(), [&memory](const auto& known) {
    return known.data() == memory.data();
  });
  if (slot == memory_.end()) {
    return;
  }
  const iovec none{nullptr, 0};
  const __u64 tag = 0;
  io_uring_register_buffers_update_tag(ring_.get(), static_cast<unsigned>(slot - memory_.begin()),
                                       &none, &tag, 1);
  *slot = {};
}

bool uring_writer::abandon(std::chrono::milliseconds grace) {
  const auto deadline = std::chrono::steady_clock::now() + grace;
  const bool lane_ended = lane_->abandon(grace);
  handler_ = nullptr;
  const std::size_t never_begun = io_uring_sq_ready(ring_.get()) + pacing_.waiting();
  while (free_.size() + never_begun < writes_.size()) {
    const auto left = std::max<std::chrono::nanoseconds>(
        deadline - std::chrono::steady_clock::now(), std::chrono::nanoseconds(0));
    __kernel_timespec timeout{.tv_sec = left / std::chrono::seconds(1),
                              .tv_nsec = (left % std::chrono::seconds(1)).count()};
    io_uring_cqe* entry = nullptr;
    if (io_uring_wait_cqe_timeout(ring_.get(), &entry, &timeout) < 0) {
      return false;
    }
    free_.push_back(static_cast<std::uint32_t>(io_uring_cqe_get_data64(entry)));
    io_uring_cqe_seen(ring_.get(), entry);
  }
  return lane_ended;
}

}  // namespace captured::storage
