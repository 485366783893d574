// SPDX-License-Identifier: MIT
//
// Retention as the recorder carries it out, on a disk in memory.
#include <algorithm>
#include <array>

#include "pipeline/output_recorder.hpp"
#include "support/catch.hpp"
#include "support/recorder_rig.hpp"

using namespace std::chrono_literals;
using captured::storage::file_action;
using captured::storage::kept_file;
using captured::storage::retain_options;
using captured::test::memory_files;
using captured::test::numbers_to;
using captured::test::produce;
using captured::test::read_file;
using captured::test::recorder_rig;
using captured::test::rig_options;

namespace {

rig_options with(retain_options limits) {
  rig_options options;
  options.output.files.preallocate = false;
  options.output.files.retain = limits;
  return options;
}

constexpr retain_options unlimited{0, 0, 0, 0s, 0};

/// Some frames, and a new file.
void record_file(recorder_rig& rig, std::uint32_t frames = 20) {
  produce(rig, frames);
  rig.retire();
  rig.pass(10ms);
  rig.recorder().rotate();
  rig.pass(10ms);
}

/// Octets of the finished files on the disk.
std::uint64_t finished_bytes(const recorder_rig& rig) {
  std::uint64_t sum = 0;
  for (const std::string& name : rig.closed()) {
    if (const auto octets = const_cast<recorder_rig&>(rig).disk().contents(name)) {
      sum += octets->size();
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("the oldest finished files go as new ones come, and the rest stays within the limit") {
  retain_options limits = unlimited;
  limits.size_bytes = 20'000;
  recorder_rig rig(with(limits));
  rig.settle();
  for (int i = 0; i < 30; ++i) {
    record_file(rig);
    CHECK(finished_bytes(rig) <= limits.size_bytes);
  }
  REQUIRE(rig.removed().size() > 5);
  CHECK(std::equal(rig.removed().begin(), rig.removed().end(), rig.closed().begin()));
  // One more of them would still have been beyond the limit.
  const auto last = rig.disk().contents(rig.closed().back());
  CHECK(finished_bytes(rig) + last->size() > limits.size_bytes);
  rig.stop();
  CHECK(finished_bytes(rig) <= limits.size_bytes);
  CHECK(rig.ledger().stored == 600);
  CHECK(rig.recorder().kept().octets == finished_bytes(rig));
}

TEST_CASE("the limit covers what an earlier life left, which goes first") {
  retain_options limits = unlimited;
  limits.files = 3;
  auto options = with(limits);
  const std::vector<std::byte> octets(100);
  for (const char* const name : {"b.pcapng", "a.pcapng", "c.pcapng"}) {
    options.earlier.push_back({name, 100, 4096, {}, false});
  }
  options.earlier[0].changed += 1h;
  options.earlier[2].changed += 2h;
  recorder_rig rig(options);
  for (const kept_file& one : options.earlier) {
    rig.disk().put(one.name, octets);
  }
  rig.settle();
  record_file(rig);
  CHECK(rig.removed() == std::vector<std::string>{"a.pcapng"});
  record_file(rig);
  CHECK(rig.removed() == std::vector<std::string>{"a.pcapng", "b.pcapng"});
  CHECK(rig.disk().contents("c.pcapng"));
}

TEST_CASE("a file that is told of twice counts once") {
  recorder_rig rig(with(unlimited));
  rig.settle();
  record_file(rig);
  REQUIRE(rig.closed().size() == 1);
  const auto before = rig.recorder().kept();
  rig.recorder().keep({.name = rig.closed().front(), .size_bytes = 100, .sequence = 1});
  rig.recorder().keep({.name = "other.pcapng", .size_bytes = 100, .sequence = 0});
  CHECK(rig.recorder().kept().files == before.files + 1);
  CHECK(rig.recorder().kept().octets == before.octets + 100);
}

TEST_CASE("files go for their age without any traffic") {
  retain_options limits = unlimited;
  limits.age = 3600s;
  recorder_rig rig(with(limits));
  rig.settle();
  record_file(rig);
  rig.pass(3590s);
  CHECK(rig.removed().empty());
  CHECK(rig.recorder().wake_at(rig.now()) <= rig.now().steady + 5s);
  rig.pass(11s);
  CHECK(rig.removed().size() == 1);
}

TEST_CASE("a pinned file stays for as long as its pin, and the next older ones go") {
  retain_options limits = unlimited;
  limits.files = 2;
  recorder_rig rig(with(limits));
  rig.settle();
  record_file(rig);
  const std::string first = rig.closed().front();
  rig.disk().put(first + ".pin", {});
  for (int i = 0; i < 4; ++i) {
    record_file(rig);
  }
  CHECK(rig.disk().contents(first));
  CHECK(rig.removed().size() == 3);
  CHECK(rig.removal_troubles().empty());
  rig.disk().remove(first + ".pin");
  rig.pass(61s);
  record_file(rig);
  CHECK_FALSE(rig.disk().contents(first));
}

TEST_CASE("free space is kept by as many removals as it takes") {
  retain_options limits = unlimited;
  limits.free_bytes = 50'000;
  recorder_rig rig(with(limits));
  rig.settle();
  for (int i = 0; i < 20; ++i) {
    record_file(rig);
  }
  CHECK(rig.removed().empty());
  const std::uint64_t before = finished_bytes(rig);
  // Somebody else takes space: 10,000 octets less than wanted are left.
  rig.disk().set_capacity(rig.disk().used_bytes() + 40'000);
  rig.pass(1s);
  rig.pass(1s);
  const std::uint64_t freed = before - finished_bytes(rig);
  CHECK(freed >= 10'000);
  CHECK(freed < 10'000 + rig.disk().contents(rig.closed().back())->size());
}

TEST_CASE("files that somebody reads are not followed by all others because no space comes") {
  retain_options limits = unlimited;
  limits.free_bytes = 50'000;
  recorder_rig rig(with(limits));
  rig.settle();
  for (int i = 0; i < 20; ++i) {
    record_file(rig);
  }
  rig.disk().keep_removed_space(true);
  rig.disk().set_capacity(rig.disk().used_bytes() + 49'000);
  for (int i = 0; i < 8; ++i) {
    rig.pass(1s);
  }
  CHECK(rig.removed().size() == 1);
  rig.disk().keep_removed_space(false);
  rig.pass(1s);
  CHECK(rig.removed().size() == 1);
}

TEST_CASE("a full disk is made room on at once, and nothing is lost") {
  retain_options limits = unlimited;
  limits.size_bytes = 1u << 30;
  recorder_rig rig(with(limits));
  rig.settle();
  for (int i = 0; i < 10; ++i) {
    record_file(rig);
  }
  std::uint32_t written = 200;
  rig.disk().set_capacity(rig.disk().used_bytes() + 3000);
  for (int i = 0; i < 20; ++i, written += 20) {
    record_file(rig);
  }
  // No pause was waited for: a removal is followed by the write at once.
  CHECK_FALSE(rig.recorder().in_trouble());
  CHECK(rig.removed().size() > 5);
  CHECK(std::equal(rig.removed().begin(), rig.removed().end(), rig.closed().begin()));
  rig.stop();
  CHECK(rig.ledger().stored == written);
  CHECK(rig.ledger().osdrop == 0);
}

TEST_CASE("without a limit a full disk costs no file") {
  recorder_rig rig(with(unlimited));
  rig.settle();
  for (int i = 0; i < 5; ++i) {
    record_file(rig);
  }
  rig.disk().set_capacity(rig.disk().used_bytes());
  produce(rig, 20);
  rig.retire();
  for (int i = 0; i < 20; ++i) {
    rig.pass(1s);
  }
  CHECK(rig.recorder().in_trouble());
  CHECK(rig.removed().empty());
}

TEST_CASE("a file that cannot be removed is said once in a while, and the next one goes") {
  retain_options limits = unlimited;
  limits.files = 2;
  recorder_rig rig(with(limits));
  rig.settle();
  rig.disk().fail({.action = file_action::remove}, EIO);
  for (int i = 0; i < 5; ++i) {
    record_file(rig);
    rig.pass(6s);
  }
  REQUIRE(rig.removal_troubles().size() == 1);
  CHECK(rig.removal_troubles()[0].find(rig.closed().front()) != std::string::npos);
  CHECK(rig.removed().size() == 3);
  CHECK(rig.disk().contents(rig.closed().front()));
  rig.pass(60s);
  record_file(rig);
  CHECK_FALSE(rig.disk().contents(rig.closed().front()));
}

TEST_CASE("a file that is not ours is left, and counts no more") {
  retain_options limits = unlimited;
  limits.files = 2;
  auto options = with(limits);
  options.earlier.push_back({"foreign.pcapng", 100, 4096, {}, false});
  recorder_rig rig(options);
  rig.settle();
  rig.disk().fail({.action = file_action::remove}, captured::storage::not_ours_error);
  record_file(rig);
  record_file(rig);
  CHECK(rig.removed().empty());
  CHECK(rig.recorder().kept().files == 2);
  record_file(rig);
  CHECK(rig.removed().size() == 1);
}

TEST_CASE("the removal that a stop's last file makes necessary is done before the end") {
  retain_options limits = unlimited;
  limits.files = 1;
  recorder_rig rig(with(limits));
  rig.settle();
  record_file(rig);
  produce(rig, 5);
  rig.retire();
  rig.stop();
  CHECK(rig.closed().size() == 2);
  CHECK(rig.removed() == std::vector<std::string>{rig.closed().front()});
}

TEST_CASE("any act may fail once while files are removed, and the limits hold all the same") {
  constexpr std::array kinds{file_action::create, file_action::publish, file_action::write,
                             file_action::finish, file_action::remove,  file_action::measure};
  for (const file_action kind : kinds) {
    for (const int error : {EIO, ENOSPC}) {
      for (std::uint64_t nth = 1; nth <= 8; ++nth) {
        INFO("act " << static_cast<int>(kind) << ", number " << nth << ", error " << error);
        retain_options limits = unlimited;
        limits.files = 3;
        recorder_rig rig(with(limits));
        rig.disk().fail({.action = kind, .nth = nth}, error);
        rig.settle();
        for (int i = 0; i < 10; ++i) {
          record_file(rig, 10);
          rig.pass(6s);
        }
        rig.pass(60s);
        CHECK(rig.recorder().kept().files <= 3);
        rig.stop();
        CHECK(rig.ledger().stored == 100);
        CHECK(rig.removed().size() + rig.recorder().kept().files == rig.closed().size());
        const auto last = read_file(rig.disk().contents(rig.closed().back()).value());
        CHECK(last.ended);
      }
    }
  }
}
