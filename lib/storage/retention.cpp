// SPDX-License-Identifier: MIT
#include "storage/retention.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace captured::storage {

namespace {

std::uint64_t excess(std::uint64_t is, std::uint64_t limit) {
  return limit == 0 || is <= limit ? 0 : is - limit;
}

bool is_older(const kept_file& left, const kept_file& right) {
  return std::tie(left.sequence, left.changed, left.name) <
         std::tie(right.sequence, right.changed, right.name);
}

/// What is beyond each limit; removing a file lessens it.
struct surplus {
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
  std::uint64_t space = 0;   ///< lacks to the free space wanted
  std::uint64_t needed = 0;  ///< lacks to what a full disk was asked for

  void lessen_by(const kept_file& file) {
    bytes -= std::min(bytes, file.size_bytes);
    files -= std::min<std::uint64_t>(files, 1);
    space -= std::min(space, file.allocated_bytes);
    // A full disk may lack room for something else than octets: one file is a try.
    needed = 0;
  }
};

surplus measure_surplus(const retain_options& limits, const kept_files& kept,
                        const retention_facts& facts) {
  surplus over;
  over.bytes = excess(kept.bytes() + facts.ending_bytes, limits.size_bytes);
  over.files = excess(kept.files().size() + facts.ending_files, limits.files);
  const std::uint64_t coming = facts.coming_bytes;
  if (facts.space) {
    const std::uint64_t wanted = free_wanted(limits, *facts.space);
    over.space = wanted - std::min(wanted, facts.space->available_bytes + coming);
  }
  over.needed = facts.needed_bytes - std::min(facts.needed_bytes, coming);
  return over;
}

std::optional<removal_reason> reason_for(const retain_options& limits, const surplus& over,
                                         const kept_file& file, base::wall_time now) {
  if (limits.age.count() > 0 && now - file.changed > limits.age) {
    return removal_reason::age;
  }
  if (over.bytes > 0) {
    return removal_reason::size;
  }
  if (over.files > 0) {
    return removal_reason::files;
  }
  // A file that takes no space gives none back.
  if (over.space > 0 && file.allocated_bytes > 0) {
    return removal_reason::free;
  }
  if (over.needed > 0) {
    return removal_reason::full;
  }
  return std::nullopt;
}

/// The last file that holds anything: an empty one has no number in the series.
std::size_t newest_of(const kept_files& kept) {
  std::size_t at = kept.files().size();
  while (at > 0 && kept.files()[at - 1].size_bytes == 0) {
    --at;
  }
  return at == 0 ? kept.files().size() : at - 1;
}

bool is_limited(const retain_options& limits) {
  return limits.size_bytes != 0 || limits.free_bytes != 0 || limits.free_percent != 0 ||
         limits.age.count() != 0 || limits.files != 0;
}

}  // namespace

kept_files::kept_files(std::vector<kept_file> all) {
  std::ranges::sort(all, is_older);
  for (kept_file& file : all) {
    add(std::move(file));
  }
}

void kept_files::add(kept_file file) {
  bytes_ += file.size_bytes;
  const auto at = files_.empty() || is_older(files_.back(), file)
                      ? files_.end()
                      : std::ranges::upper_bound(files_, file, is_older);
  files_.insert(at, std::move(file));
}

void kept_files::erase(std::size_t index) {
  const auto at = files_.begin() + static_cast<std::ptrdiff_t>(index);
  bytes_ -= at->size_bytes;
  files_.erase(at);
}

std::uint64_t free_wanted(const retain_options& limits, const disk_space& space) {
  // Divided first: a share of 2^64 octets times 99 does not fit.
  return std::max<std::uint64_t>(limits.free_bytes, space.total_bytes / 100 * limits.free_percent);
}

std::vector<removal> plan_removals(const retain_options& limits, const kept_files& kept,
                                   const retention_facts& facts) {
  std::vector<removal> plan;
  if (!is_limited(limits)) {
    return plan;
  }
  surplus over = measure_surplus(limits, kept, facts);
  const std::size_t newest = newest_of(kept);
  const bool newest_stays =
      newest < kept.files().size() && kept.files()[newest].sequence > facts.open_sequence;
  for (std::size_t i = 0; i < kept.files().size(); ++i) {
    const kept_file& file = kept.files()[i];
    if (file.is_pinned || (newest_stays && i == newest)) {
      continue;
    }
    const auto reason = reason_for(limits, over, file, facts.now);
    if (!reason && over.space == 0) {
      break;
    }
    if (!reason) {
      continue;
    }
    plan.push_back({i, *reason});
    over.lessen_by(file);
  }
  return plan;
}

std::optional<std::uint64_t> room_left(const retain_options& limits, const kept_files& kept,
                                       const retention_facts& facts) {
  std::optional<std::uint64_t> room;
  if (facts.space) {
    const std::uint64_t wanted = free_wanted(limits, *facts.space);
    room = facts.space->available_bytes - std::min(wanted, facts.space->available_bytes);
  }
  if (limits.size_bytes > 0) {
    const std::uint64_t taken = kept.bytes() + facts.ending_bytes;
    const std::uint64_t within = limits.size_bytes - std::min(limits.size_bytes, taken);
    room = std::min(room.value_or(within), within);
  }
  return room;
}

}  // namespace captured::storage
