// SPDX-License-Identifier: MIT
#include "pumped_files.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/bytes.hpp"

namespace captured::simulation {

using storage::file_action;
using storage::file_completion;
using storage::file_request;

namespace {

/// The folder's descriptor: the simulated disk has one folder.
constexpr int folder = 3;

std::uint64_t checksum_of(std::span<const std::byte> octets) {
  std::uint64_t sum = octets.size();
  for (; octets.size() >= 8; octets = octets.subspan(8)) {
    sum = (sum ^ base::load_native<std::uint64_t>(octets.data())) * 0x100000001b3;
    sum ^= sum >> 32;
  }
  for (const auto octet : octets) {
    sum = (sum ^ std::to_integer<std::uint64_t>(octet)) * 0x100000001b3;
  }
  return sum;
}

bool same_lane(file_action one, file_action other) {
  const auto is_data = [](file_action what) {
    return what == file_action::write || what == file_action::sync;
  };
  return is_data(one) == is_data(other) &&
         (one == file_action::finish) == (other == file_action::finish);
}

/// Must `later` wait for `earlier`, which was asked for before it? Writes are in no order. A sync
/// covers the writes before it. The other acts are carried out by one thread each for closing and
/// for the rest.
bool waits_for(const file_request& later, const file_request& earlier) {
  if (later.action == file_action::write) {
    return false;
  }
  if (later.action == file_action::sync) {
    return later.slot == earlier.slot;
  }
  return same_lane(later.action, earlier.action);
}

}  // namespace

pumped_files::pumped_files(simulated_disk& disk, breaches& found, completion_handler handler,
                           removal_check may_remove,
                           std::function<void(const std::string& name)> removal_asked)
    : disk_(disk),
      breaches_(found),
      handler_(std::move(handler)),
      may_remove_(std::move(may_remove)),
      removal_asked_(std::move(removal_asked)) {}

void pumped_files::check_contract(const file_request& request) {
  const auto check = [&](bool holds, const char* words) {
    breaches_.check(holds, [&] { return std::string("the asker breaks its contract: ") + words; });
  };
  check(waiting_.size() < storage::requests_in_flight_max, "too many acts are under way");
  if (!storage::uses_slot(request.action)) {
    check(request.action != file_action::remove || !request.name.empty(), "nothing to be removed");
    return;
  }
  check(request.slot < storage::open_files_max, "there is no such slot");
  check(slots_[request.slot].is_open() == (request.action != file_action::create),
        "an act on a slot that is not open, or a file made where one is");
  const auto is_data = [](file_action what) {
    return what == file_action::write || what == file_action::sync;
  };
  for (const waiting& each : waiting_) {
    const file_request& other = each.request;
    if (!storage::uses_slot(other.action) || other.slot != request.slot) {
      continue;
    }
    const bool may_meet =
        is_data(other.action) && is_data(request.action) &&
        !(other.action == file_action::sync && request.action == file_action::sync);
    breaches_.check(may_meet, [&] {
      return "the asker breaks its contract: act " +
             std::to_string(static_cast<int>(request.action)) + " while act " +
             std::to_string(static_cast<int>(other.action)) + " is under way on its slot";
    });
    check(other.action != file_action::write || request.action != file_action::write ||
              other.token != request.token,
          "two writes have the same token");
  }
}

void pumped_files::submit(file_request request) {
  check_contract(request);
  if (ends_exactly_ && disk_.is_process_ended()) {
    return;
  }
  if (request.action == file_action::remove) {
    removal_asked_(request.name);
  }
  const std::uint64_t checksum = checksum_of(request.octets);
  waiting_.push_back({std::move(request), checksum});
}

bool pumped_files::could_be_next(std::size_t place) const {
  return std::none_of(
      waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(place),
      [&](const waiting& earlier) { return waits_for(waiting_[place].request, earlier.request); });
}

bool pumped_files::run_one(random_source& chance) {
  if (waiting_.empty() || disk_.is_process_ended()) {
    return false;
  }
  // The first one can always be next.
  std::size_t place = chance.below(waiting_.size());
  while (!could_be_next(place)) {
    --place;
  }
  const waiting act = std::move(waiting_[place]);
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(place));
  breaches_.check(checksum_of(act.request.octets) == act.checksum,
                  [] { return "octets changed while they were being written"; });
  handler_(carry_out(act.request));
  return true;
}

void pumped_files::end_process(random_source& chance) {
  for (const waiting& act : std::exchange(waiting_, {})) {
    if (is_dead_ || act.request.action != file_action::write || chance.chance(500)) {
      continue;
    }
    auto octets = act.request.octets;
    if (chance.chance(300)) {
      octets = octets.first(chance.below(octets.size() + 1));
    }
    if (!octets.empty()) {
      disk_.finish_write(slots_[act.request.slot].fd(), octets, act.request.offset);
    }
  }
}

file_completion pumped_files::carry_out(const file_request& request) {
  storage::open_file& file = slots_[request.slot];
  file_completion done{.action = request.action,
                       .slot = request.slot,
                       .place = request.place,
                       .token = request.token};
  if (is_dead_) {
    done.error = fail(request);
    return done;
  }
  switch (request.action) {
    case file_action::create:
      done.error = file.create(disk_, folder, request.name, request.bytes_expected);
      break;
    case file_action::publish:
      done.error = file.publish(disk_, folder, request.name);
      break;
    case file_action::write: {
      const auto written =
          storage::open_file::write(disk_, file.fd(), request.octets, request.offset);
      done.error = written.error;
      done.octets_written = written.octets;
      break;
    }
    case file_action::grow:
      done.error = storage::open_file::grow(disk_, file.fd(), request.offset);
      break;
    case file_action::sync:
      done.error = storage::open_file::sync(disk_, file.fd());
      done.was_forcing = done.error.failed();
      if (done.was_forcing) {
        file.set_unproven();
      }
      break;
    case file_action::finish:
      done.error =
          file.finish(disk_, folder, request.name, {request.offset, request.force_to_device});
      done.was_forcing = done.error.failed() && request.force_to_device && file.is_unproven();
      break;
    case file_action::discard:
      done.error = file.discard(disk_, folder);
      break;
    case file_action::leave:
      file.leave();
      break;
    case file_action::remove:
      done.error = remove(request, done);
      break;
    case file_action::measure:
      done.error = {disk_.measure(folder, done.space).error, boost::system::system_category()};
      break;
  }
  return done;
}

/// On a mount that is gone. Closing works there all the same.
base::error_code pumped_files::fail(const file_request& request) {
  if (request.action == file_action::discard || request.action == file_action::leave) {
    slots_[request.slot].leave();
  }
  return request.action == file_action::leave
             ? base::error_code()
             : base::error_code(EIO, boost::system::system_category());
}

std::vector<std::string> pumped_files::removals() const {
  std::vector<std::string> names;
  for (const waiting& each : waiting_) {
    if (each.request.action == file_action::remove) {
      names.push_back(each.request.name);
    }
  }
  return names;
}

bool pumped_files::has_open_files() const noexcept {
  return std::ranges::any_of(slots_, [](const auto& one) { return one.is_open(); });
}

base::error_code pumped_files::remove(const file_request& request, file_completion& done) {
  const auto& category = boost::system::system_category();
  if (const auto refused = may_remove_(request.name)) {
    return refused;
  }
  storage::disk_space before;
  if (const int error = disk_.measure(folder, before).error; error != 0) {
    return {error, category};
  }
  done.space = before;
  if (request.keep_if_available > 0 && before.available_bytes >= request.keep_if_available) {
    return {storage::not_needed_error, category};
  }
  const int error = disk_.remove(folder, request.name.c_str()).error;
  if (error != 0 && error != ENOENT) {
    return {error, category};
  }
  if (disk_.measure(folder, done.space).error != 0) {
    done.space = before;
  }
  done.freed_bytes =
      done.space.available_bytes - std::min(done.space.available_bytes, before.available_bytes);
  return {};
}

}  // namespace captured::simulation
