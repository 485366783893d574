// SPDX-License-Identifier: MIT
//
// The runner. A test that cannot run here prints "SKIPPED: reason"; ctest then reports a skip,
// unless something failed.
#define CATCH_CONFIG_RUNNER
#include <iostream>

#include "support/catch.hpp"
#include "support/skip_filter.hpp"

int main(int count, char* arguments[]) {
  std::streambuf* const output = std::cout.rdbuf();
  captured::test::skip_filter filter(*output);
  std::cout.rdbuf(&filter);  // before the session, which takes it once
  const int failed = Catch::Session().run(count, arguments);
  std::cout.rdbuf(output);
  filter.end(failed != 0);
  return failed;
}
