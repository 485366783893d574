// SPDX-License-Identifier: MIT
#include <sstream>

#include "daemon/version.hpp"
#include "support/catch.hpp"

TEST_CASE("the version names the program first, then each library with a version") {
  std::istringstream lines(captured::daemon::version_text());
  std::string line;
  REQUIRE(std::getline(lines, line));
  CHECK(line == "captured " CAPTURED_VERSION);
  for (const std::string name :
       {"Boost", "spdlog", "yaml-cpp", "liburing", "libsystemd", "libpcap version"}) {
    REQUIRE(std::getline(lines, line));
    INFO(line);
    CHECK(line.starts_with("  " + name + " "));
    CHECK(line.find_first_of("0123456789", name.size() + 3) == name.size() + 3);
  }
  CHECK_FALSE(std::getline(lines, line));
}
