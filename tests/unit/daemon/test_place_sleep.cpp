// SPDX-License-Identifier: MIT
#include <string>
#include <thread>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "daemon/place_sleep.hpp"
#include "support/catch.hpp"
#include "support/forked.hpp"
#include "support/temporary_folder.hpp"

using namespace std::chrono_literals;
using namespace captured;
using daemon::place_sleep;

namespace {

/// No test waits for so long: when the sleep lasts, it fails.
constexpr auto long_time = 60s;

}  // namespace

TEST_CASE("the sleep of a folder's thread ends when it is woken, also beforehand") {
  place_sleep one;
  one.wake();
  one.wake();
  CHECK(one.sleep(long_time));
  std::thread waker([&one] { one.wake(); });
  CHECK(one.sleep(long_time));
  waker.join();
}

TEST_CASE("the sleep of a folder's thread ends when a disk is mounted or goes") {
  if (::geteuid() != 0) {
    WARN("SKIPPED: needs root, to mount");
    return;
  }
  const testing::temporary_folder folder;
  const std::string path = folder.path().string();
  const std::string said = testing::in_child([&path]() -> std::string {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      return "SKIPPED";
    }
    place_sleep one;
    std::string ended = one.sleep(1ms) ? "y" : "n";
    ended += ::mount("none", path.c_str(), "tmpfs", 0, nullptr) == 0 ? "+" : "!";
    ended += one.sleep(long_time) ? "y" : "n";
    ended += one.sleep(1ms) ? "y" : "n";
    ended += ::umount2(path.c_str(), MNT_DETACH) == 0 ? "-" : "!";
    ended += one.sleep(long_time) ? "y" : "n";
    // While mounts are gathered, too.
    one.wake();
    ended += one.sleep(long_time) ? "y" : "n";
    return ended;
  });
  if (said == "SKIPPED") {
    WARN("SKIPPED: no mounts of its own can be had here");
    return;
  }
  CHECK(said == "n+yn-yy");
}
