// SPDX-License-Identifier: MIT
//
// That a failed test is never reported as skipped.
#include <sstream>

#include "support/catch.hpp"
#include "support/skip_filter.hpp"

using captured::test::skip_filter;

namespace {

std::string output_of(bool failed) {
  std::stringbuf to;
  skip_filter filter(to);
  std::ostream out(&filter);
  out << "one\n  SKIPPED: no "
      << "tun device" << std::endl
      << "two";
  CHECK(to.str() == "one\n");
  filter.end(failed);
  return to.str();
}

}  // namespace

TEST_CASE("what could not be tested is said at the end, as a skip when nothing failed") {
  CHECK(output_of(false) == "one\ntwo  SKIPPED: no tun device\n");
}

TEST_CASE("what could not be tested is no skip when a test failed") {
  const std::string found = output_of(true);
  CHECK(found.find("SKIPPED:") == std::string::npos);
  CHECK(found.find("no tun device") != std::string::npos);
}
