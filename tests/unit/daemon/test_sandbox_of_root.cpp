// SPDX-License-Identifier: MIT
//
// What the sandbox opens to a program that stays root.
#include <algorithm>
#include <filesystem>

#include <unistd.h>

#include "daemon/sandbox.hpp"
#include "recording_into.hpp"
#include "support/catch.hpp"

namespace captured {
namespace {

using test::recording_into;

TEST_CASE("root reads of /etc its configuration and not the folder") {
  if (::geteuid() != 0) {
    WARN("SKIPPED: to others than root all of /etc is open");
    return;
  }
  std::vector<std::string> remarks;
  const auto read = [&remarks](const std::string& file) {
    return daemon::files_needed(recording_into("/tmp/x"), file, "", remarks).read;
  };
  const auto alone = read("/etc/captured.yaml");
  CHECK(std::ranges::find(alone, "/etc") == alone.end());
  CHECK(std::ranges::find(alone, "/etc/captured.yaml") != alone.end());
  const auto own = read("/etc/captured/captured.yaml");
  CHECK(std::ranges::find(own, "/etc/captured") != own.end());
}

TEST_CASE("a folder at the root is made before the door closes, for it cannot be made behind it") {
  if (::geteuid() != 0) {
    WARN("SKIPPED: only root can make folders at the root");
    return;
  }
  const std::string folder = "/captured-test-" + std::to_string(::getpid());
  std::vector<std::string> remarks;
  const auto rules = daemon::files_needed(recording_into(folder), "", "", remarks);
  CHECK(rules.record == std::vector<std::string>{folder});
  CHECK(std::filesystem::remove(folder));
}

}  // namespace
}  // namespace captured
