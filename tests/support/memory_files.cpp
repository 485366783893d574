// SPDX-License-Identifier: MIT
#include "support/memory_files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/bytes.hpp"

namespace captured::testing {

namespace {

using storage::file_action;
using storage::file_request;

std::uint64_t checksum_of(std::span<const std::byte> octets) {
  constexpr std::uint64_t prime = 0x100000001b3;
  std::uint64_t sum = 0xcbf29ce484222325 ^ octets.size();
  for (; octets.size() >= 8; octets = octets.subspan(8)) {
    sum = (sum ^ base::load_native<std::uint64_t>(octets.data())) * prime;
    sum ^= sum >> 32;
  }
  for (const auto octet : octets) {
    sum = (sum ^ std::to_integer<std::uint64_t>(octet)) * prime;
  }
  return sum;
}

}  // namespace

memory_files::memory_files(completion_handler handler, delivery how)
    : handler_(std::move(handler)), delivery_(how), slots_(storage::open_files_max) {}

void memory_files::breach(const std::string& words) const {
  if (breach_) {
    breach_(words);
    return;
  }
  std::fprintf(stderr, "memory_files: the asker breaks the contract: %s\n", words.c_str());
  std::abort();
}

void memory_files::check(bool holds, const file_request& request, const char* words) const {
  if (!holds) {
    breach("slot " + std::to_string(request.slot) + ", token " + std::to_string(request.token) +
           ": " + words);
  }
}

void memory_files::check_request(const file_request& request) const {
  const bool is_write = request.action == file_action::write;
  const bool names = request.action == file_action::create ||
                     request.action == file_action::publish ||
                     request.action == file_action::finish;
  if (!storage::uses_slot(request.action)) {
    check(request.action != file_action::remove || !request.name.empty(), request,
          "no name of what is to be removed");
    return;
  }
  const bool is_open = !slots_[request.slot].name.empty();
  check(waiting_.size() < storage::requests_in_flight_max, request, "too many acts under way");
  check(is_open == (request.action != file_action::create), request,
        is_open ? "a file is already open there" : "no file is open there");
  check(!names || (!request.name.empty() && request.name.find('/') == std::string::npos), request,
        "the name is empty or has a '/'");
  check(!is_write || !request.octets.empty(), request, "a write of nothing");
  for (const auto& each : waiting_) {
    const bool both_write = is_write && each.request.action == file_action::write;
    const bool write_and_sync =
        (is_write && each.request.action == file_action::sync) ||
        (request.action == file_action::sync && each.request.action == file_action::write);
    check(each.request.slot != request.slot || both_write || write_and_sync ||
              !storage::uses_slot(each.request.action),
          request, "another act on the slot is under way");
    check(!both_write || each.request.token != request.token, request,
          "two writes under way have the same token");
  }
}

void memory_files::submit(file_request request) {
  if (observer_) {
    observer_(request);
  }
  if (request.slot >= storage::open_files_max) {
    breach("slot " + std::to_string(request.slot) + " does not exist");
    return;
  }
  check_request(request);
  const auto checksum = checksum_of(request.octets);
  const auto fate = strike(request.action);
  waiting_.push_back({std::move(request), checksum, fate});
  if (delivery_ == delivery::at_once && !delivering_) {
    delivering_ = true;
    run_all();
    delivering_ = false;
  }
}

memory_files::fault memory_files::strike(file_action action) {
  fault fate;
  for (auto& each : faults_) {
    if (each.which.action && *each.which.action != action) {
      continue;
    }
    if (each.which.nth > 1) {
      --each.which.nth;
    } else if (each.which.times > 0) {
      each.which.times -= each.which.times == for_ever ? 0 : 1;
      fate = fate.what == effect::none ? each : fate;
    }
  }
  return fate;
}

std::size_t memory_files::ready() const {
  if (stalled_) {
    return 0;
  }
  return static_cast<std::size_t>(std::ranges::count_if(
      waiting_, [](const waiting& each) { return each.fate.what != effect::hangs; }));
}

bool memory_files::run_at(std::size_t place) {
  if (stalled_) {
    return false;
  }
  const auto chosen = std::ranges::find_if(waiting_, [&place](const waiting& each) {
    return each.fate.what != effect::hangs && place-- == 0;
  });
  if (chosen == waiting_.end()) {
    return false;
  }
  const waiting act = std::move(*chosen);
  waiting_.erase(chosen);
  complete(act);
  return true;
}

std::size_t memory_files::run_all() {
  std::size_t completed = 0;
  while (run_one()) {
    ++completed;
  }
  return completed;
}

void memory_files::release() {
  stalled_ = false;
  if (delivery_ == delivery::at_once) {
    run_all();
  }
}

void memory_files::complete(const waiting& act) {
  const auto& request = act.request;
  check(checksum_of(request.octets) == act.checksum, request,
        "octets changed while the write was under way");
  storage::file_completion done{.action = request.action,
                                .slot = request.slot,
                                .place = request.place,
                                .token = request.token};
  const std::uint64_t before = space().available_bytes;
  const int error = carry_out(act, done.octets_written);
  done.error = {error, boost::system::system_category()};
  done.was_forcing = is_forcing_refused(act);
  if (!storage::uses_slot(request.action)) {
    done.space = space();
    done.freed_bytes = keeps_removed_space_ ? 0 : done.space.available_bytes - before;
  }
  ++counts_[request.action];
  handler_(done);
}

int memory_files::carry_out(const waiting& act, std::size_t& octets_written) {
  const bool may_fail = act.request.action != file_action::leave;
  if (may_fail && (act.fate.what == effect::fails || is_forcing_refused(act))) {
    if (act.request.action == file_action::discard) {
      slots_[act.request.slot] = {};  // closed even if removing fails
    }
    return act.fate.errno_value;
  }
  auto& where = slots_[act.request.slot];
  switch (act.request.action) {
    case file_action::create:
      return create(act.request);
    case file_action::publish:
      return rename(where, act.request.name);
    case file_action::write:
      return write(act, octets_written);
    case file_action::grow:
      return EOPNOTSUPP;
    case file_action::sync:
      sync(where);
      return 0;
    case file_action::finish:
      return finish(act);
    case file_action::discard:
      files_.erase(where.name);
      where = {};
      return 0;
    case file_action::leave:
      where = {};
      return 0;
    case file_action::remove:
      return remove(act.request);
    case file_action::measure:
      return 0;
  }
  return EINVAL;
}

storage::disk_space memory_files::space() const {
  return {capacity_bytes_, capacity_bytes_ - std::min(capacity_bytes_, used_bytes())};
}

int memory_files::remove(const file_request& request) {
  if (find(request.name + ".pin") != nullptr) {
    return storage::pinned_error;
  }
  if (find(request.name) != nullptr && !is_finished(request.name)) {
    return storage::not_ours_error;
  }
  if (request.keep_if_available > 0 && space().available_bytes >= request.keep_if_available) {
    return storage::not_needed_error;
  }
  if (keeps_removed_space_) {
    const file* const going = find(request.name);
    held_bytes_ += going == nullptr ? 0 : going->octets.size();
  }
  remove(request.name);
  return 0;
}

int memory_files::create(const file_request& request) {
  if (folder_gone_) {
    return ENOENT;
  }
  if (find(request.name) != nullptr) {
    return EEXIST;
  }
  const std::uint64_t room = capacity_bytes_ - std::min(capacity_bytes_, used_bytes());
  files_[request.name].reserved_bytes = request.bytes_expected <= room ? request.bytes_expected : 0;
  slots_[request.slot] = {request.name, false};
  return 0;
}

int memory_files::rename(slot& where, const std::string& name) {
  const auto from = files_.find(where.name);
  if (folder_gone_ || from == files_.end()) {
    return ENOENT;
  }
  if (find(name) != nullptr) {
    return EEXIST;
  }
  auto moved = files_.extract(from);
  moved.key() = name;
  files_.insert(std::move(moved));
  where.name = name;
  return 0;
}

int memory_files::write(const waiting& act, std::size_t& octets_written) {
  const auto& request = act.request;
  const std::size_t wanted = std::min(request.octets.size(), act.fate.octets_max);
  file* const into = find(slots_[request.slot].name);
  if (into == nullptr) {
    octets_written = wanted;  // removed by others: the octets go where nobody sees them
    return 0;
  }
  const auto free = capacity_bytes_ - std::min(capacity_bytes_, used_bytes());
  const auto end = std::max<std::uint64_t>(into->octets.size(), into->reserved_bytes);
  const auto end_max = free > for_ever - end ? for_ever : end + free;
  if (request.offset >= end_max) {
    return ENOSPC;
  }
  put_aside(*into, request);
  octets_written =
      static_cast<std::size_t>(std::min<std::uint64_t>(wanted, end_max - request.offset));
  store(*into, request, octets_written);
  return 0;
}

void memory_files::store(file& into, const file_request& request, std::size_t count) {
  const std::uint64_t begin = request.offset;
  const std::uint64_t end = begin + count;
  if (into.octets.size() < end) {
    into.octets.resize(end);
  }
  for (const auto& [from, to] : into.covered) {
    const auto low = std::max(from, begin);
    const auto high = std::min(to, end);
    check(low >= high ||
              std::equal(into.octets.begin() + static_cast<std::ptrdiff_t>(low),
                         into.octets.begin() + static_cast<std::ptrdiff_t>(high),
                         request.octets.begin() + static_cast<std::ptrdiff_t>(low - begin)),
          request, "octets that were already written change");
  }
  std::ranges::copy(request.octets.first(count),
                    into.octets.begin() + static_cast<std::ptrdiff_t>(begin));
  // The new range takes in all that touch it.
  std::uint64_t low = begin;
  std::uint64_t high = end;
  for (auto each = into.covered.begin(); each != into.covered.end();) {
    if (each->second < low || each->first > high) {
      ++each;
      continue;
    }
    low = std::min(low, each->first);
    high = std::max(high, each->second);
    each = into.covered.erase(each);
  }
  into.covered[low] = high;
}

void memory_files::sync(const slot& where) {
  if (file* const which = find(where.name)) {
    which->forced_bytes = covered_from_start(*which);
  }
}

int memory_files::finish(const waiting& act) {
  const auto& request = act.request;
  auto& where = slots_[request.slot];
  if (file* const whole = find(where.name)) {
    check(request.offset <= covered_from_start(*whole), request,
          "the file ends behind octets that were never written");
  }
  if (!where.renamed) {
    if (const int error = rename(where, request.name)) {
      return error;
    }
    where.renamed = true;
  }
  if (act.fate.what == effect::fails_after_rename) {
    return act.fate.errno_value;
  }
  if (file* const whole = find(where.name)) {
    whole->octets.resize(request.offset);
    whole->reserved_bytes = 0;
    whole->finished = true;
    whole->forced_bytes = request.force_to_device ? request.offset : whole->forced_bytes;
  }
  where = {};
  return 0;
}

void memory_files::fail(target which, int errno_value) {
  faults_.push_back({effect::fails, which, errno_value, 0});
}

void memory_files::fail_forcing(target which, int errno_value) {
  faults_.push_back({effect::fails_forcing, which, errno_value, 0});
}

bool memory_files::is_forcing_refused(const waiting& act) {
  const auto& request = act.request;
  return act.fate.what == effect::fails_forcing &&
         (request.action == file_action::sync ||
          (request.action == file_action::finish && request.force_to_device));
}

void memory_files::fail_after_rename(target which, int errno_value) {
  faults_.push_back({effect::fails_after_rename, which, errno_value, 0});
}

void memory_files::shorten(target which, std::size_t octets_max) {
  faults_.push_back({effect::shortens, which, 0, octets_max});
}

void memory_files::hang(target which) {
  faults_.push_back({effect::hangs, which, 0, 0});
}

void memory_files::put(const std::string& name, std::span<const std::byte> octets) {
  auto& made = files_[name];
  made.octets.assign(octets.begin(), octets.end());
  made.covered = {{0, octets.size()}};
  made.finished = true;
}

bool memory_files::remove(std::string_view name) {
  const auto found = files_.find(name);
  if (found == files_.end()) {
    return false;
  }
  files_.erase(found);
  return true;
}

}  // namespace captured::testing
