// SPDX-License-Identifier: MIT
#include "stream/send_queue.hpp"

#include <utility>

#include "base/check.hpp"

namespace captured::stream {

namespace {

constexpr std::size_t spare_batches_max = 8;
constexpr auto idle_time = std::chrono::milliseconds(250);  // then the connection is looked at

}  // namespace

void send_queue::describe(std::uint32_t interface_id, const interface_description& interface) {
  CAPTURED_CHECK(interface_id < interfaces_max);
  const std::lock_guard lock(mutex_);
  if (interface_id >= descriptions_.size()) {
    descriptions_.resize(interface_id + 1);
  }
  descriptions_[interface_id] = {encode_description(interface), ++version_};
}

bool send_queue::offer(packet_batch& batch) {
  const std::size_t packets = batch.packets();
  const std::lock_guard lock(mutex_);
  figures_.offered += packets;
  if (!fits(batch.bytes())) {
    figures_.dropped += packets;
    batch.clear();
    return false;
  }
  figures_.waiting += packets;
  waiting_bytes_ += batch.bytes();
  queue_.push_back(std::move(batch));
  batch = {};
  if (!spare_.empty()) {
    batch = std::move(spare_.back());
    spare_.pop_back();
  }
  changed_.notify_all();
  return true;
}

void send_queue::drop(std::uint64_t packets) {
  const std::lock_guard lock(mutex_);
  figures_.offered += packets;
  figures_.dropped += packets;
}

bool send_queue::has_room(std::size_t bytes) const {
  const std::lock_guard lock(mutex_);
  return fits(bytes);
}

bool send_queue::await_room(std::size_t bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || ending_ || fits(bytes); });
  return !closed_ && !ending_;
}

void send_queue::end() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  changed_.notify_all();
}

void send_queue::cancel() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  cancelled_ = true;
  changed_.notify_all();
}

client_figures send_queue::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

bool send_queue::await_closed(std::chrono::milliseconds time) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, time, [this] { return closed_; });
}

send_queue::order send_queue::next(packet_batch& batch, std::vector<description>& known) {
  std::unique_lock lock(mutex_);
  if (batch.bytes() != 0 && spare_.size() < spare_batches_max) {
    batch.clear();
    spare_.push_back(std::move(batch));
  }
  batch = {};
  if (!changed_.wait_for(lock, idle_time, [this] { return ending_ || !queue_.empty(); })) {
    return order::idle;
  }
  if (cancelled_) {
    return order::stop;
  }
  if (queue_.empty()) {
    return order::finish;
  }
  batch = std::move(queue_.front());
  queue_.pop_front();
  waiting_bytes_ -= batch.bytes();
  if (std::exchange(version_given_, version_) != version_) {
    known = descriptions_;
  }
  changed_.notify_all();
  return order::send;
}

void send_queue::settle(const sent_part& part) {
  const std::lock_guard lock(mutex_);
  figures_.sent += part.packets;
  figures_.octets_sent += part.octets;
  figures_.dropped += part.lost;
  figures_.waiting -= part.packets + part.lost;
}

void send_queue::note_connected() {
  const std::lock_guard lock(mutex_);
  figures_.connected = true;
  figures_.trouble.clear();
  ++figures_.connections;
}

bool send_queue::note_failed(const std::string& why, std::uint64_t unconfirmed,
                             std::chrono::milliseconds pause) {
  std::unique_lock lock(mutex_);
  figures_.connected = false;
  figures_.trouble = why;
  figures_.unconfirmed += unconfirmed;
  const auto is_over = [this] { return cancelled_ || (ending_ && figures_.waiting == 0); };
  return !changed_.wait_for(lock, pause, is_over);
}

void send_queue::close() {
  const std::lock_guard lock(mutex_);
  figures_.connected = false;
  figures_.dropped += std::exchange(figures_.waiting, 0);
  queue_.clear();
  spare_.clear();
  waiting_bytes_ = 0;
  ending_ = true;
  closed_ = true;
  changed_.notify_all();
}

bool send_queue::is_cancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

}  // namespace captured::stream
