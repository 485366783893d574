// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <random>

#include "storage/retention.hpp"
#include "support/catch.hpp"

namespace captured::storage {

namespace {

using namespace std::chrono_literals;

constexpr base::wall_time now{std::chrono::seconds(1'767'225'600)};
constexpr retain_options unlimited{0, 0, 0, std::chrono::seconds(0), 0};

/// A file with a number for a name, written so many hours ago.
kept_file file(int number, std::uint64_t bytes, std::chrono::hours ago) {
  return {"f" + std::to_string(number), bytes, bytes, now - ago, false};
}

/// f1, the oldest, to fN, an hour each.
kept_files hourly(int count, std::uint64_t bytes) {
  std::vector<kept_file> all;
  for (int i = 1; i <= count; ++i) {
    all.push_back(file(i, bytes, std::chrono::hours(count - i)));
  }
  return kept_files(std::move(all));
}

std::vector<std::string> names(const kept_files& kept, const std::vector<removal>& plan) {
  std::vector<std::string> found;
  for (const removal& one : plan) {
    found.push_back(kept.files()[one.index].name);
  }
  return found;
}

using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("retention removes the oldest files until the rest fits, and no more") {
  const auto kept = hourly(5, 100);
  retain_options limits = unlimited;
  limits.size_bytes = 500;
  CHECK(plan_removals(limits, kept, {.now = now}).empty());
  limits.size_bytes = 499;
  CHECK(names(kept, plan_removals(limits, kept, {.now = now})) == strings{"f1"});
  limits.size_bytes = 300;
  CHECK(names(kept, plan_removals(limits, kept, {.now = now})) == strings{"f1", "f2"});
}

TEST_CASE("a file that is being closed already takes its room") {
  const auto kept = hourly(3, 100);
  retain_options limits = unlimited;
  limits.size_bytes = 300;
  const retention_facts facts{.now = now, .ending_bytes = 150, .ending_files = 1};
  CHECK(names(kept, plan_removals(limits, kept, facts)) == strings{"f1", "f2"});
  limits.size_bytes = 0;
  limits.files = 3;
  const auto plan = plan_removals(limits, kept, facts);
  REQUIRE(names(kept, plan) == strings{"f1"});
  CHECK(plan[0].reason == removal_reason::files);
}

TEST_CASE("what is being removed elsewhere is not made up for by a further file") {
  std::vector<kept_file> all{file(1, 100, 3h), file(2, 100, 2h), file(3, 100, 1h)};
  all[2].place = 1;
  const kept_files kept(std::move(all));
  retain_options limits = unlimited;
  limits.size_bytes = 200;
  retention_facts facts{.now = now};
  CHECK(names(kept, plan_removals(limits, kept, facts)) == strings{"f1"});
  facts.places[1].leaving = 2;
  CHECK(plan_removals(limits, kept, facts).empty());
  limits.size_bytes = 100;
  CHECK(names(kept, plan_removals(limits, kept, facts)) == strings{"f1"});
}

TEST_CASE("files go for their age even when there is room") {
  const auto kept = hourly(5, 100);
  retain_options limits = unlimited;
  limits.age = 2h;
  const auto plan = plan_removals(limits, kept, {.now = now});
  CHECK(names(kept, plan) == strings{"f1", "f2"});
  CHECK(plan[0].reason == removal_reason::age);
  CHECK(plan_removals(limits, kept, {.now = now - 10h}).empty());
}

TEST_CASE("free space is kept as a size or as a share, whichever is more") {
  const auto kept = hourly(5, 100);
  retain_options limits = unlimited;
  limits.free_bytes = 250;
  const disk_space space{.total_bytes = 2000, .available_bytes = 90};
  const auto plan =
      plan_removals(limits, kept, {.now = now, .places = {place_facts{.space = space}}});
  CHECK(names(kept, plan) == strings{"f1", "f2"});
  CHECK(plan[0].reason == removal_reason::free);
  limits.free_percent = 20;
  CHECK(plan_removals(limits, kept, {.now = now, .places = {place_facts{.space = space}}}).size() ==
        4);
  CHECK(plan_removals(limits, kept, {.now = now}).empty());
}

TEST_CASE("octets of removed files that the disk has not given back yet count as free") {
  const auto kept = hourly(5, 100);
  retain_options limits = unlimited;
  limits.free_bytes = 250;
  const disk_space space{.total_bytes = 2000, .available_bytes = 90};
  CHECK(plan_removals(limits, kept,
                      {.now = now, .places = {place_facts{.space = space, .coming_bytes = 160}}})
            .empty());
  CHECK(plan_removals(limits, kept,
                      {.now = now, .places = {place_facts{.space = space, .coming_bytes = 159}}})
            .size() == 1);
}

TEST_CASE("a file that takes no space is not removed to get space") {
  auto empty = file(1, 0, 5h);
  const kept_files kept({empty, file(2, 100, 4h)});
  retain_options limits = unlimited;
  limits.free_bytes = 100;
  const disk_space space{.total_bytes = 2000, .available_bytes = 50};
  CHECK(names(kept,
              plan_removals(limits, kept, {.now = now, .places = {place_facts{.space = space}}})) ==
        strings{"f2"});
  limits = unlimited;
  limits.size_bytes = 50;
  CHECK(names(kept, plan_removals(limits, kept, {.now = now})) == strings{"f2"});
  limits.files = 1;
  CHECK(names(kept, plan_removals(limits, kept, {.now = now})) == strings{"f1", "f2"});
}

TEST_CASE("a full disk costs one file at a time, but nothing where there is no limit") {
  const auto kept = hourly(5, 100);
  retain_options limits = unlimited;
  const retention_facts full{.now = now, .places = {place_facts{.needed_bytes = 1000}}};
  CHECK(plan_removals(limits, kept, full).empty());
  limits.size_bytes = 100'000;
  const auto plan = plan_removals(limits, kept, full);
  REQUIRE(names(kept, plan) == strings{"f1"});
  CHECK(plan[0].reason == removal_reason::full);
  const retention_facts mended{.now = now,
                               .places = {place_facts{.coming_bytes = 1000, .needed_bytes = 1000}}};
  CHECK(plan_removals(limits, kept, mended).empty());
}

TEST_CASE("a pinned file stays, counts, and lets the next older ones go") {
  auto kept = hourly(5, 100);
  kept.set_pinned(0, true);
  kept.set_pinned(2, true);
  retain_options limits = unlimited;
  limits.size_bytes = 300;
  CHECK(names(kept, plan_removals(limits, kept, {.now = now})) == strings{"f2", "f4"});
  limits.size_bytes = 100;
  CHECK(names(kept, plan_removals(limits, kept, {.now = now})) == strings{"f2", "f4", "f5"});
}

TEST_CASE("the share of the largest disk does not overflow") {
  const disk_space space{.total_bytes = ~std::uint64_t{0}, .available_bytes = 0};
  retain_options limits = unlimited;
  limits.free_percent = 99;
  CHECK(free_wanted(limits, space) > (~std::uint64_t{0} / 100) * 98);
}

TEST_CASE("room is what the tightest limit leaves") {
  const auto kept = hourly(3, 100);
  retain_options limits = unlimited;
  CHECK_FALSE(room_left(limits, kept, {.now = now}));
  limits.size_bytes = 1000;
  CHECK(room_left(limits, kept, {.now = now, .ending_bytes = 50}) == 650u);
  limits.free_bytes = 100;
  const disk_space space{.total_bytes = 2000, .available_bytes = 300};
  CHECK(room_left(limits, kept, {.now = now, .places = {place_facts{.space = space}}}) == 200u);
}

TEST_CASE(
    "the limits hold for all folders together, free space for each, and who is out of reach "
    "does not count") {
  auto all = hourly(4, 100);
  kept_files kept;
  for (kept_file one : all.files()) {
    one.place = one.name == "f1" || one.name == "f3" ? 1 : 0;
    kept.add(std::move(one));
  }
  retain_options limits = unlimited;
  limits.size_bytes = 300;
  CHECK(names(kept, plan_removals(limits, kept, {.now = now})) == strings{"f1"});
  retention_facts facts{.now = now};
  facts.places[1].is_reachable = false;
  CHECK(plan_removals(limits, kept, facts).empty());
  limits.size_bytes = 100;
  CHECK(names(kept, plan_removals(limits, kept, facts)) == strings{"f2"});
  limits = unlimited;
  limits.free_bytes = 150;
  facts.places[1] = {.space = disk_space{.total_bytes = 1000, .available_bytes = 0}};
  facts.places[0] = {.space = disk_space{.total_bytes = 1000, .available_bytes = 150}};
  CHECK(names(kept, plan_removals(limits, kept, facts)) == strings{"f1", "f3"});
  kept.forget(1);
  CHECK(kept.bytes() == 200);
  CHECK(kept.of(1).files == 0);
  CHECK(plan_removals(limits, kept, facts).empty());
}

TEST_CASE("whatever the limits, the plan is enough and no file in it is superfluous") {
  std::mt19937 random(20260101);
  const auto up_to = [&random](std::uint64_t most) { return random() % (most + 1); };
  for (int round = 0; round < 5000; ++round) {
    std::vector<kept_file> all;
    for (int i = 0; i < static_cast<int>(up_to(12)); ++i) {
      all.push_back(file(i, up_to(4) * up_to(50), std::chrono::hours(up_to(20))));
      all.back().is_pinned = up_to(5) == 0;
      all.back().place = static_cast<std::uint32_t>(up_to(1));
    }
    kept_files kept(std::move(all));
    retain_options limits = unlimited;
    limits.size_bytes = up_to(1) * up_to(1500);
    limits.files = up_to(1) * up_to(10);
    limits.age = std::chrono::hours(up_to(1) * up_to(20));
    limits.free_bytes = up_to(1) * up_to(500);
    retention_facts facts{.now = now, .ending_bytes = up_to(300), .ending_files = up_to(2)};
    facts.places[0].space = disk_space{.total_bytes = 5000, .available_bytes = up_to(600)};
    facts.places[1].space = disk_space{.total_bytes = 5000, .available_bytes = up_to(600)};
    facts.places[1].is_reachable = up_to(3) > 0;
    const auto plan = plan_removals(limits, kept, facts);
    for (std::size_t i = 0; i < plan.size(); ++i) {
      CHECK_FALSE(kept.files()[plan[i].index].is_pinned);
      CHECK(facts.places[kept.files()[plan[i].index].place].is_reachable);
      CHECK((i == 0 || plan[i - 1].index < plan[i].index));
    }
    // Carried out one by one, each is needed while the ones before are gone, and then none.
    std::size_t steps = 0;
    for (auto next = plan; !next.empty(); next = plan_removals(limits, kept, facts), ++steps) {
      const kept_file gone = kept.files()[next[0].index];
      facts.places[gone.place].space->available_bytes += gone.allocated_bytes;
      kept.erase(next[0].index);
    }
    CHECK(steps == plan.size());
    const bool any_left = std::ranges::any_of(kept.files(), [&facts](const kept_file& one) {
      return !one.is_pinned && facts.places[one.place].is_reachable;
    });
    auto counted = kept.of(0);
    if (facts.places[1].is_reachable) {
      counted.files += kept.of(1).files;
      counted.bytes += kept.of(1).bytes;
    }
    const bool any_octets_left = std::ranges::any_of(kept.files(), [&facts](const kept_file& one) {
      return !one.is_pinned && facts.places[one.place].is_reachable && one.size_bytes > 0;
    });
    if (any_octets_left) {
      CHECK((limits.size_bytes == 0 || counted.bytes + facts.ending_bytes <= limits.size_bytes));
    }
    if (any_left) {
      CHECK((limits.files == 0 || counted.files + facts.ending_files <= limits.files));
    }
  }
}

}  // namespace captured::storage
