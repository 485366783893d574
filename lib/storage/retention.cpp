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
  struct lack {
    std::uint64_t space = 0;   ///< to the free space wanted
    std::uint64_t needed = 0;  ///< to what a full disk was asked for
  };
  std::array<lack, places_max> lacks{};

  void lessen_by(const kept_file& file) {
    bytes -= std::min(bytes, file.size_bytes);
    files -= std::min<std::uint64_t>(files, 1);
    lack& here = lacks[file.place];
    here.space -= std::min(here.space, file.allocated_bytes);
    // A full disk may lack room for something else than octets: one file is a try.
    here.needed = 0;
  }
  /// A later file may have to go although this one need not: it lies elsewhere, or takes space.
  [[nodiscard]] bool lacks_any() const {
    return std::ranges::any_of(lacks,
                               [](const lack& one) { return one.space > 0 || one.needed > 0; });
  }
};

/// What counts for the limits on all folders together.
kept_files::sum sum_of(const kept_files& kept, const retention_facts& facts) {
  kept_files::sum all{.files = facts.ending_files, .bytes = facts.ending_bytes};
  for (std::uint32_t place = 0; place < places_max; ++place) {
    if (facts.places[place].is_reachable) {
      all.files += kept.of(place).files;
      all.bytes += kept.of(place).bytes;
    }
  }
  return all;
}

surplus measure_surplus(const retain_options& limits, const kept_files& kept,
                        const retention_facts& facts) {
  surplus over;
  const kept_files::sum taken = sum_of(kept, facts);
  over.bytes = excess(taken.bytes, limits.size_bytes);
  over.files = excess(taken.files, limits.files);
  for (std::uint32_t i = 0; i < places_max; ++i) {
    const place_facts& place = facts.places[i];
    const std::uint64_t coming = place.coming_bytes;
    if (place.space) {
      const std::uint64_t wanted = free_wanted(limits, *place.space);
      over.lacks[i].space = wanted - std::min(wanted, place.space->available_bytes + coming);
    }
    over.lacks[i].needed = place.needed_bytes - std::min(place.needed_bytes, coming);
  }
  return over;
}

std::optional<removal_reason> reason_for(const retain_options& limits, const surplus& over,
                                         const kept_file& file, base::wall_time now) {
  if (limits.age.count() > 0 && now - file.changed > limits.age) {
    return removal_reason::age;
  }
  // A file that takes no space gives none back.
  if (over.bytes > 0 && file.size_bytes > 0) {
    return removal_reason::size;
  }
  if (over.files > 0) {
    return removal_reason::files;
  }
  const surplus::lack& here = over.lacks[file.place];
  if (here.space > 0 && file.allocated_bytes > 0) {
    return removal_reason::free;
  }
  if (here.needed > 0) {
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

std::uint64_t kept_files::bytes() const noexcept {
  std::uint64_t all = 0;
  for (const sum& one : sums_) {
    all += one.bytes;
  }
  return all;
}

void kept_files::forget(std::uint32_t place) {
  std::erase_if(files_, [place](const kept_file& file) { return file.place == place; });
  sums_[place] = {};
}

void kept_files::add(kept_file file) {
  ++sums_[file.place].files;
  sums_[file.place].bytes += file.size_bytes;
  const auto at = files_.empty() || is_older(files_.back(), file)
                      ? files_.end()
                      : std::ranges::upper_bound(files_, file, is_older);
  files_.insert(at, std::move(file));
}

void kept_files::erase(std::size_t index) {
  const auto at = files_.begin() + static_cast<std::ptrdiff_t>(index);
  --sums_[at->place].files;
  sums_[at->place].bytes -= at->size_bytes;
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
  std::array<std::size_t, places_max> leaving{};
  leaving.fill(kept.files().size());
  for (std::uint32_t i = 0; i < places_max; ++i) {
    if (facts.places[i].leaving) {
      leaving[i] = *facts.places[i].leaving;
      over.lessen_by(kept.files()[leaving[i]]);
    }
  }
  const std::size_t newest = newest_of(kept);
  const bool newest_stays =
      newest < kept.files().size() && kept.files()[newest].sequence > facts.open_sequence;
  for (std::size_t i = 0; i < kept.files().size(); ++i) {
    const kept_file& file = kept.files()[i];
    if (leaving[file.place] == i || file.is_pinned || !facts.places[file.place].is_reachable ||
        (newest_stays && i == newest)) {
      continue;
    }
    const auto reason = reason_for(limits, over, file, facts.now);
    if (!reason) {
      // Those behind a file that holds something are younger; an empty one tells nothing.
      if (file.size_bytes > 0 && !over.lacks_any()) {
        break;
      }
      continue;
    }
    plan.push_back({i, *reason});
    over.lessen_by(file);
  }
  return plan;
}

std::optional<std::uint64_t> room_left(const retain_options& limits, const kept_files& kept,
                                       const retention_facts& facts, std::uint32_t place) {
  std::optional<std::uint64_t> room;
  if (const auto& space = facts.places[place].space) {
    const std::uint64_t wanted = free_wanted(limits, *space);
    room = space->available_bytes - std::min(wanted, space->available_bytes);
  }
  if (limits.size_bytes > 0) {
    const std::uint64_t taken = sum_of(kept, facts).bytes;
    const std::uint64_t within = limits.size_bytes - std::min(limits.size_bytes, taken);
    room = std::min(room.value_or(within), within);
  }
  return room;
}

}  // namespace captured::storage
